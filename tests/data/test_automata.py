"""Automata as a data set: OpenFst's text format, and HDF files."""

import gzip

import numpy as np
import pytest

from boulder.data import open_dataset, read_openfst, write_automata
from boulder.errors import DataError

TEXT = """\
corpus/1
1 2 3 0.5
2 2 4
0 0 1 -0.25
2 0 1 inf
2
0 1.5

corpus/2
0 1 7
1 0.25
"""
FIRST = [[0, 2, 2, 0.5], [2, 2, 3, 0], [1, 1, 0, -0.25], [2, 1, 0, np.inf], [2, 0, -1, 0], [1, 0, -1, 1.5]]
SECOND = [[0, 1, 6, 0], [1, 0, -1, 0.25]]


@pytest.mark.parametrize("name", ["automata.txt", "automata.txt.gz"])
def test_openfst(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(TEXT.encode()) if name.endswith("gz") else TEXT.encode())
    (tag, first), (other, second) = read_openfst(tmp_path / name)
    assert (tag, other) == ("corpus/1", "corpus/2")
    assert first.tolist() == FIRST
    assert second.tolist() == SECOND
    assert first.dtype == np.float32


def test_hdf(tmp_path):
    automata = {"a": np.array(SECOND), "b": np.array([[0, 0, 3, 0.5], [0, 0, -1, 0]])}
    assert write_automata(tmp_path / "automata.hdf", automata.items()) == 2
    with open_dataset([str(tmp_path / "automata.hdf")]) as dataset:
        assert dataset.tags(range(2)) == ["a", "b"]
        found = [arrays["automata"].tolist() for arrays in dataset.read_many(range(2))]
    assert found == [rows.tolist() for rows in automata.values()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": found no automata, expected a tag and arcs 'state, next state, label, cost'"),
        ("a\n\n", ", line 2: sequence 'a' has an empty automaton"),
        ("a\n0 1 1\n1\n\na\n", ", line 5: sequence 'a' has two automata"),
        ("a\n0 1 0\n", ", line 2: found an arc without a label (0), expected none; 'fstrmepsilon' removes them"),
        (
            "a\n0 1 2 2 0.5\n",
            ", line 2: found '0 1 2 2 0.5', expected 'state next-state label [cost]' or 'final-state [cost]', as "
            "'fstprint --acceptor' writes them",
        ),
        (
            "a\n0 1 b\n",
            ", line 2: found '0 1 b', expected 'state next-state label [cost]' or 'final-state [cost]', as "
            "'fstprint --acceptor' writes them",
        ),
    ],
)
def test_other_lines(tmp_path, text, message):
    path = tmp_path / "automata.txt"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        list(read_openfst(path))
    assert str(caught.value) == f"{path}{message}"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 1, 2]], "found rows of the shape [1, 3], expected [arcs, 4]: state, next state, class, cost"),
        ([[0, 1, 2, 0.5]], "no path from state 0 to an end, expected one"),
        ([[1, 2, 2, 0.5], [2, 0, -1, 0]], "no path from state 0 to an end, expected one"),
        (
            [[0, 1, 0.5, 0]],
            "found row [0.0, 1.0, 0.5, 0.0], expected states and a class from 0 on (class -1: an end) and a finite cost",
        ),
        (
            [[0, -1, 1, 0]],
            "found row [0.0, -1.0, 1.0, 0.0], expected states and a class from 0 on (class -1: an end) and a finite cost",
        ),
        (
            [[0, 1, 1, np.inf]],
            "found row [0.0, 1.0, 1.0, inf], expected states and a class from 0 on (class -1: an end) and a finite cost",
        ),
    ],
)
def test_rows_that_are_no_automaton(tmp_path, rows, message):
    path = tmp_path / "automata.hdf"
    with pytest.raises(DataError) as caught:
        write_automata(path, [("a", np.array(rows, "float64"))])
    assert str(caught.value) == f"{path}: automaton of sequence 'a': {message}"
    assert not path.exists()
