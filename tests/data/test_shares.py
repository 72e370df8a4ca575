import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.data import batches_of_epoch, open_dataset, share_of, shares_of_epoch
from tests.tiny import EXTERN_DATA, write_data

BATCHES = [np.array([4, 2, 7]), np.array([9]), np.array([0, 1, 3, 5, 6])]


@given(st.lists(st.integers(0, 1000), unique=True), st.integers(1, 9))
def test_shares_partition_a_batch_into_nearly_equal_parts(seqs, count):
    shares = [share_of(np.array(seqs, "int64"), number, count).tolist() for number in range(count)]
    assert sorted(seq for share in shares for seq in share) == sorted(seqs)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with open_dataset(write_data(tmp_path_factory.mktemp("data")) / "train.hdf", EXTERN_DATA) as opened:
        yield opened


def content(share: dict, seq: int) -> list[list[int]]:
    """:return: the frames of a sequence of a share, of each data key"""
    return [share["data"][key][seq][: share["lengths"][key][seq]].numpy().tolist() for key in EXTERN_DATA]


def test_each_share_has_its_own_padding(reader):
    joint = list(batches_of_epoch(reader, BATCHES))
    for batch, shares in zip(joint, shares_of_epoch(reader, BATCHES, 2, range(2)), strict=True):
        whole = {"data": batch.data, "lengths": batch.lengths}
        for number, share in enumerate(shares):
            size = len(share["lengths"]["data"])
            assert share["data"]["data"].shape[1] == max(share["lengths"]["data"])
            if share["counts"]:
                assert [content(share, i) for i in range(size)] == [content(whole, number + 2 * i) for i in range(size)]


def test_an_empty_share_is_a_placeholder_that_does_not_count(reader):
    counts = [[bool(share["counts"]) for share in shares] for shares in shares_of_epoch(reader, BATCHES, 4, range(4))]
    assert counts == [[True, True, True, False], [True, False, False, False], [True] * 4]
    shares = list(shares_of_epoch(reader, BATCHES, 4, range(4)))[1]
    assert [content(share, 0) for share in shares] == [content(shares[0], 0)] * 4


@pytest.mark.parametrize("here", [range(2), range(2, 4)])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_process_reads_only_its_shares_from_any_batch_on(reader, here, start):
    every = list(shares_of_epoch(reader, BATCHES, 4, range(4)))[start:]
    mine = list(shares_of_epoch(reader, BATCHES, 4, here, start))
    assert [len(shares) for shares in mine] == [2] * len(every)
    for shares, all_shares in zip(mine, every, strict=True):
        for share, number in zip(shares, here, strict=True):
            assert content(share, 0) == content(all_shares[number], 0)
            assert bool(share["counts"]) == bool(all_shares[number]["counts"])


def test_the_share_of_a_single_replica_is_the_batch(reader):
    for batch, (share,) in zip(
        batches_of_epoch(reader, BATCHES), shares_of_epoch(reader, BATCHES, 1, range(1)), strict=True
    ):
        assert share.keys() == {"data", "lengths"}
        assert all((share["data"][key] == batch.data[key]).numpy().all() for key in EXTERN_DATA)
