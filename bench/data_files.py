"""The files that bench/data.py reads: many short sequences, features of speech in three layouts, and recordings. All are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

MANY, SHORT = 10_000_000, (2, 8)  # sequences, and their lengths
SPEECH, LONG, FEATURES = 2000, (200, 1200), 40
WORDS, LETTERS = 12_000, (5, 16)
LABELS = 40
DENSE = {"data": {"dim": FEATURES}, "classes": {"dim": LABELS, "sparse": True}}
SPARSE = {"data": {"dim": LABELS, "sparse": True}, "classes": {"dim": LABELS, "sparse": True}}
RECORDINGS, SECONDS, SAMPLE_RATE = 80, (3.0, 12.0), 16_000
OF_RECORDINGS = {"data": {"dim": FEATURES}, "classes": {"dim": 256, "sparse": True}}
_BLOCK = 1 << 20

Sequences = Iterator[tuple[str, np.ndarray, np.ndarray]]


def write_many(path: Path) -> None:
    """A file of many short sequences, written without a loop over them."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(*SHORT, MANY).astype("int32")
    total = int(lengths.sum())
    with h5py.File(path, "w") as file:
        _write_header(file, LABELS, lengths)
        tags = file.create_dataset("seqTags", (MANY,), "S16")
        for start in range(0, MANY, _BLOCK):
            numbers = np.arange(start, min(start + _BLOCK, MANY))
            tags[start : start + _BLOCK] = np.char.add(b"corpus/", numbers.astype("S9"))
        for name in ("inputs", "targets/data/classes"):
            labels = file.create_dataset(name, (total,), "int32")
            for start in range(0, total, _BLOCK):
                labels[start : start + _BLOCK] = rng.integers(0, LABELS, min(_BLOCK, total - start), "int32")


def write_speech(path: Path) -> None:
    """Long sequences of features, by Boulder's writer."""
    _write_with_boulder(path, DENSE, _speech())


def write_labels(path: Path) -> None:
    """Sequences of about 10 labels, by Boulder's writer."""
    _write_with_boulder(path, SPARSE, _words())


def write_speech_contiguous(path: Path) -> None:
    """Features as one piece, as h5py writes an array."""
    tags, features, labels = zip(*_speech(), strict=True)
    with h5py.File(path, "w") as file:
        _write_header(file, FEATURES, np.array([len(array) for array in features], "int32"))
        file["seqTags"] = np.array(tags, "S16")
        file["inputs"] = np.concatenate(features)
        file["targets/data/classes"] = np.concatenate(labels)


def write_speech_with_returnn(path: Path) -> None:
    """Features by RETURNN's writer: cut into tiles of few columns."""
    from returnn.datasets.hdf import SimpleHDFWriter

    file = SimpleHDFWriter(str(path), dim=FEATURES, ndim=2, extra_type={"classes": (LABELS, 1, "int32")})
    for tag, features, labels in _speech():
        file.insert_batch(features[None], [len(features)], [tag], extra={"classes": labels[None]})
    file.close()


def write_recordings(path: Path) -> None:
    """An Ogg zip of harmonic sounds with a gliding pitch and noise."""
    import soundfile

    from boulder.data.audio.ogg_zip_writer import recordings_in, write_ogg_zip

    rng = np.random.default_rng(3)
    folder = path.with_suffix("")
    folder.mkdir()
    for number in range(RECORDINGS):
        time = np.arange(int(rng.uniform(*SECONDS) * SAMPLE_RATE)) / SAMPLE_RATE
        phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time)) / SAMPLE_RATE
        sound = sum(np.sin(k * phase) / k for k in range(1, 20)) + 0.1 * rng.normal(size=len(time))
        soundfile.write(folder / f"{number}.wav", 0.1 * sound, SAMPLE_RATE)
    write_ogg_zip(path, recordings_in(folder, {str(i): f"recording number {i}" for i in range(RECORDINGS)}))


def _speech() -> Sequences:
    rng = np.random.default_rng(2)
    for number, length in enumerate(rng.integers(*LONG, SPEECH)):
        features = rng.normal(size=(length, FEATURES)).astype("float32")
        yield f"corpus/{number}", features, rng.integers(0, LABELS, length, "int32")


def _words() -> Sequences:
    rng = np.random.default_rng(2)
    for number, length in enumerate(rng.integers(*LETTERS, WORDS)):
        yield f"corpus/{number}", *rng.integers(0, LABELS, (2, length), "int32")


def _write_with_boulder(path: Path, streams: dict, sequences: Sequences) -> None:
    from boulder.data import HdfWriter

    with HdfWriter(path, streams) as file:
        for tag, data, labels in sequences:
            file.write(tag, {"data": data, "classes": labels})


def _write_header(file: h5py.File, dim: int, lengths: np.ndarray) -> None:
    """:param lengths: int32 [N], of both streams"""
    total = int(lengths.sum())
    file.attrs.update(inputPattSize=dim, numLabels=LABELS, numDims=1, numSeqs=len(lengths), numTimesteps=total)
    file["seqLengths"] = np.stack([lengths, lengths], axis=1)
    file["targets/labels/classes"] = np.array([b"dummy"])
    file.require_group("targets/size").attrs["classes"] = [LABELS, 1]
