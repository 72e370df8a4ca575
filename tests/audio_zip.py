"""Ogg zip files for tests: noise in place of speech, with short texts."""

import io
import zipfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
TEXTS = ["ab a", "b", "ba ba", "bb", "a a", "aba", "abb a", "b b"]


def recording(number: int) -> np.ndarray:
    """:return: float64 [N], samples of the sequence of that number"""
    return np.random.default_rng(number).uniform(-0.5, 0.5, 1500 + 403 * number)


def write_zip(path: Path, count: int = len(TEXTS)) -> str:
    """:return: the path, of a zip file of WAV files 0.wav, 1.wav, …"""
    name = path.name.removesuffix(".zip")
    entries = [
        {"text": TEXTS[i], "duration": len(recording(i)) / RATE, "file": f"{i}.wav", "seq_name": f"seq-{i}"}
        for i in range(count)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.txt", repr(entries))
        for i in range(count):
            content = io.BytesIO()
            soundfile.write(content, recording(i), RATE, format="WAV")
            archive.writestr(f"{name}/{i}.wav", content.getvalue())
    return str(path)
