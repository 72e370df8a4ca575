"""Sequences cut into chunks; tests/parity/test_orders_like_returnn.py compares the borders with RETURNN's."""

import numpy as np
import pytest

from boulder.data import Chunking, HdfWriter, cut, open_dataset, read_batch
from boulder.errors import DataError

LENGTHS = [7, 0, 12, 5]


@pytest.fixture
def dataset(tmp_path):
    """Frame t of sequence i has the value 100 · i + t, halves the value of every second frame."""
    streams = {"data": {"dim": 1}, "classes": {"dim": 999, "sparse": True}, "halves": {"dim": 999, "sparse": True}}
    with HdfWriter(tmp_path / "data.hdf", streams) as writer:
        for i, length in enumerate(LENGTHS):
            labels = 100 * i + np.arange(length)
            writer.write(f"s{i}", {"data": labels[:, None], "classes": labels, "halves": labels[::2]})
    with open_dataset(tmp_path / "data.hdf") as dataset:
        yield dataset


def test_chunks_overlap_by_size_minus_step_and_a_short_rest_is_left_out(dataset):
    chunks = cut(dataset, np.array([2, 0, 1]), Chunking.parse("5:3", min_chunk_size=3), ["data", "classes"])
    assert chunks.tags(range(chunks.num_seqs)) == ["s2", "s2", "s2", "s0", "s0"]
    found = [sequence["classes"].tolist() for sequence in chunks.read_many([4, 0, 1, 2, 3])]
    assert found == [
        [3, 4, 5, 6],
        [200, 201, 202, 203, 204],
        [203, 204, 205, 206, 207],
        [206, 207, 208, 209, 210],
        [0, 1, 2, 3, 4],
    ]
    assert chunks.lengths["data"].tolist() == [5, 5, 5, 5, 4]


def test_streams_that_the_network_does_not_read_are_not_cut(dataset):
    chunks = cut(dataset, np.array([3]), Chunking.parse(3), ["data"])
    batch = read_batch(chunks, np.array([1, 0]))
    assert batch.data["data"][..., 0].tolist() == [[303, 304, 0], [300, 301, 302]]
    assert batch.lengths["classes"].tolist() == [5, 5]


def test_sizes_of_streams_keep_their_ratio(dataset):
    chunking = Chunking.parse(({"data": 4, "halves": 2}, {"data": 4, "halves": 2}))
    chunks = cut(dataset, np.array([0]), chunking, ["data", "halves"])
    for sequence in chunks.read_many(range(chunks.num_seqs)):
        assert sequence["halves"].tolist() == sequence["data"][::2, 0].tolist()


@pytest.mark.parametrize(
    ("chunking", "streams", "message"),
    [
        (3, ["data", "halves"], "chunking: sequence 's0' has the lengths data 7, halves 4, expected streams that can be cut"),
        ({"dta": 3}, ["data"], "chunking: found sizes of dta, expected one of each stream, as of 'data'"),
    ],
)  # fmt: skip
def test_streams_that_do_not_fit_are_reported(dataset, chunking, streams, message):
    with pytest.raises(DataError, match=message):
        cut(dataset, np.array([0]), Chunking.parse(chunking), streams)


@pytest.mark.parametrize(
    "chunking",
    ["5:3:1", "5:x", -1, 2.5, True, (1, 2, 3), (), {"data": 0}, ({"data": 3}, 2), ({"data": 3}, {"data": 0}), ({"data": 3}, {"x": 3})],
)  # fmt: skip
def test_other_forms_are_refused(chunking):
    with pytest.raises(DataError, match=r"chunking: .*expected"):
        Chunking.parse(chunking)


@pytest.mark.parametrize("chunking", [None, 0, "0", "0:0", (0, 0), False])
def test_a_size_of_0_is_no_chunking(chunking):
    assert Chunking.parse(chunking) is None
