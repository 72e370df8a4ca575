"""Data sets for the tests."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from boulder.data import HdfWriter

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 11, "sparse": True}, "aux": {"dim": 3, "sparse": True}}


def _make_sequences(num_seqs: int, seed: int) -> list[tuple[str, dict[str, np.ndarray]]]:
    rng = np.random.default_rng(seed)
    return [
        (
            f"corpus/{i}",
            {
                "data": rng.normal(size=(rng.integers(0, 9), 5)).astype("float32"),
                "classes": rng.integers(0, 11, rng.integers(0, 9), "int32"),
                "aux": rng.integers(0, 3, rng.integers(0, 9), "int32"),
            },
        )
        for i in range(num_seqs)
    ]


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """`corpus(num_seqs)` writes a file with three streams: `.path`, `.sequences`, `.extern_data`."""

    def make(num_seqs: int, name: str = "data.hdf", seed: int = 0) -> SimpleNamespace:
        sequences = _make_sequences(num_seqs, seed)
        with HdfWriter(tmp_path / name, EXTERN_DATA) as writer:
            for tag, data in sequences:
                writer.write(tag, data)
        return SimpleNamespace(path=tmp_path / name, sequences=sequences, extern_data=EXTERN_DATA)

    return make
