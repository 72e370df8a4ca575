"""Ogg zip files for tests: noise in place of speech, with short texts."""

import io
import zipfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
TEXTS = {"one": "ab a", "two": "b", "three": "ba ba", "four": "é"}
CHARACTERS = {"class": "CharacterTargets", "labels": [" ", "a", "b", "é"], "unknown_label": None}
LOG_MEL = {"features": "log_mel_filterbank", "num_feature_filters": 20}


def samples(name: str) -> np.ndarray:
    seed = list(TEXTS).index(name)
    return np.random.default_rng(seed).uniform(-0.5, 0.5, 1500 + 803 * seed)


def wav(audio: np.ndarray, rate: int = RATE, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, **({"format": "WAV"} | options))
    return file.getvalue()


def write_zip(path: Path, entries: list[dict], files: dict[str, bytes], name: str | None = None, **options) -> str:
    name = name or path.name.removesuffix(".zip")
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(f"{name}.txt", repr(entries))
        for file, content in files.items():
            archive.writestr(f"{name}/{file}", content)
    return str(path)


def entries(*names: str) -> list[dict]:
    return [{"text": TEXTS[name], "duration": len(samples(name)) / RATE, "file": f"{name}.wav"} for name in names]


def files(*names: str) -> dict[str, bytes]:
    return {f"{name}.wav": wav(samples(name)) for name in names}


def described(path, **options) -> dict:
    return {"class": "OggZipDataset", "path": path, "audio": LOG_MEL, "targets": CHARACTERS} | options
