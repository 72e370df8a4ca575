"""Names and shapes in a checkpoint, read without TensorFlow, are those that TensorFlow reads."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.returnn.checkpoint import peek, tensorflow_parameters, write_tensorflow
from boulder.returnn.checkpoint_index import shapes_in_index


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> str:
    """:return: a checkpoint with names of many lengths, which fill more than one block of the index"""
    rng = np.random.default_rng(0)
    arrays = {
        f"layer{i}/{'inner_scope/' * int(rng.integers(0, 450))}W_{i}": np.zeros(rng.integers(0, 200, i % 4), "float32")
        for i in range(150)
    }
    path = str(tmp_path_factory.mktemp("index") / "net.012")
    write_tensorflow(path, arrays, 77)
    return path


@pytest.mark.long
def test_names_and_shapes_are_those_that_tensorflow_reads(written):
    assert os.path.getsize(f"{written}.index") > 300_000
    found = shapes_in_index(f"{written}.index")
    assert found == tensorflow_parameters(written).shapes
    assert len(found) == 151
    file = peek(f"{written}.meta")
    name = next(name for name, shape in found.items() if len(shape) == 3)
    assert (file.path, file.read(name).shape) == (written, found[name])


def test_tensorflow_is_not_imported(written):
    program = f"import sys; from boulder.returnn.checkpoint import peek; peek({written!r}); print('tensorflow' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_another_file_is_left_to_tensorflow(tmp_path):
    assert shapes_in_index(str(tmp_path / "none.index")) is None
    for content in (b"", b"no table", bytes(100)):
        (tmp_path / "other.index").write_bytes(content)
        assert shapes_in_index(str(tmp_path / "other.index")) is None


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_never_fails_otherwise(written, tmp_path_factory, data):
    content = bytearray(Path(f"{written}.index").read_bytes())
    damaged = tmp_path_factory.mktemp("damaged") / "net.index"
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 9))] = data.draw(st.integers(0, 255))
    damaged.write_bytes(content[data.draw(st.integers(0, 200)) :])
    found = shapes_in_index(str(damaged))
    assert found is None or all(isinstance(shape, tuple) for shape in found.values())
