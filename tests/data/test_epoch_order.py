"""The sequences of an epoch; tests/parity/test_orders_like_returnn.py compares them with RETURNN's."""

import gzip
import pickle

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from boulder.data import HdfWriter, canonical_description, open_dataset
from boulder.errors import DataError

LENGTHS = [5, 3, 8, 1, 9, 2, 7]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    """Seven sequences, a to g."""
    path = tmp_path_factory.mktemp("order") / "data.hdf"
    with HdfWriter(path, {"data": {"dim": 2, "sparse": True}}) as writer:
        for tag, length in zip("abcdefg", LENGTHS, strict=True):
            writer.write(tag, {"data": np.zeros(length, "int32")})
    return str(path)


def described(file: str, **options) -> dict:
    return {"class": "HDFDataset", "files": [file], **options}


def orders(file: str, epochs: int, default: str = "default", **options) -> list[str]:
    with open_dataset(described(file, **options)) as dataset:
        dataset.check_not_empty()
        return ["".join(dataset.tags(dataset.epoch_order(epoch, 1, default))) for epoch in range(1, epochs + 1)]


@given(
    parts=st.integers(1, 7),
    passes=st.integers(1, 3),
    kind=st.sampled_from(["random", "laplace:.2", "sorted", None]),
    default=st.sampled_from(["random", "default", "laplace"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_partitions_of_a_pass_are_the_whole_order(file, parts, passes, kind, default):
    found = orders(file, parts * passes, default, partition_epoch=parts, seq_ordering=kind)
    whole = orders(file, passes, default, seq_ordering=kind)
    assert ["".join(found[i * parts : (i + 1) * parts]) for i in range(passes)] == whole


def test_the_seed_is_the_number_of_the_pass_and_an_offset_unless_it_is_fixed(file):
    passes = orders(file, 5, seq_ordering="random")
    assert len(set(passes)) == 5
    assert orders(file, 3, seq_ordering="random", random_seed_offset=2) == passes[2:]
    assert orders(file, 2, seq_ordering="random", fixed_random_seed=4) == [passes[3]] * 2
    assert orders(file, 6, seq_ordering="random:2") == [order for order in passes[:3] for _ in range(2)]


def test_own_random_numbers_of_batching_last_for_a_pass_too(file):
    passes = orders(file, 3, "random")
    assert orders(file, 6, "random:2") == [order for order in passes for _ in range(2)]


@pytest.mark.parametrize("suffix", ["list", "list.gz", "pkl", "pkl.gz"])
def test_a_list_of_tags_selects_after_partitioning(file, tmp_path, suffix):
    path, tags = tmp_path / f"tags.{suffix}", ["b", "c", "g", "unknown"]
    content = pickle.dumps(tags) if "pkl" in suffix else "\n".join(tags).encode()
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    with pytest.warns(match=r"the data set lacks 1 of 4 sequences: 'unknown'$"):
        assert orders(file, 2, seq_list_filter_file=str(path), partition_epoch=2) == ["bc", "g"]


def test_lengths_of_a_file_decide_the_order(file, tmp_path):
    path = tmp_path / "lengths"
    path.write_text(repr({tag: -i / 2 for i, tag in enumerate("abcdefg")}))
    assert orders(file, 1, seq_ordering="sorted", seq_order_seq_lens_file=str(path)) == ["gfedcba"]
    path.write_text('{"a": 1}')
    with pytest.raises(DataError, match=r"lengths: found no length for the sequence 'b', expected a number"):
        orders(file, 1, seq_ordering="sorted", seq_order_seq_lens_file=str(path))


def test_a_filter_keeps_the_shortest_sequences_in_its_epochs(file):
    filters = {(None, 1): {"max_mean_len": 2}, (3, None): {"max_mean_len": 4.0}}
    found = orders(file, 4, epoch_wise_filter=filters)
    assert found == ["bdf", "abcdefg", "abcdfg", "abcdfg"]  # the last sequence raises the mean above the limit
    description = canonical_description(described(file, epoch_wise_filter=filters))
    assert description["epoch_wise_filter"] == [[[None, 1], {"max_mean_len": 2}], [[3, None], {"max_mean_len": 4.0}]]
    assert orders(file, 4, **{k: v for k, v in description.items() if k not in ("class", "files")}) == found


def test_options_at_none_or_at_their_default_have_no_effect_on_the_hash(file):
    plain = canonical_description(described(file))
    assert (
        canonical_description(described(file, partition_epoch=1, repeat_epoch=None, random_seed_offset=None)) == plain
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"partition_epoch": 0}, "partition_epoch: found 0, expected an integer of at least 1"),
        ({"partition_epoch": 2.0}, "partition_epoch: found 2.0"),
        ({"partition_epoch": 2, "repeat_epoch": 3}, "found partition_epoch 2 and repeat_epoch 3, expected only one"),
        ({"fixed_random_seed": -1}, "fixed_random_seed: found -1"),
        ({"random_seed_offset": "1"}, "random_seed_offset: found '1'"),
        ({"unique_seq_tags": 1}, "unique_seq_tags: found 1, expected True or False"),
        ({"seq_ordering": "laplce:.3"}, "seq_ordering: found 'laplce:.3', .*; did you mean 'laplace"),
        ({"seq_list_filter_file": 3}, "seq_list_filter_file: found 3, expected a path"),
        ({"seq_list_filter_file": {"a": "b"}}, r"seq_list_filter_file: found \{'a': 'b'\}, expected a path"),
        ({"seq_list_filter_file": "/no/list"}, "^/no/list: no such file"),
        ({"epoch_wise_filter": 3}, r"epoch_wise_filter: found 3, expected a dict such as \{\(1, 5\)"),
        (
            {"epoch_wise_filter": {(2, 1): {}}},
            r"epoch_wise_filter: found \[2, 1\], expected \(first epoch, last epoch\)",
        ),
        ({"epoch_wise_filter": {(1, 2): 5}}, "expected a dict of options"),
        (
            {"epoch_wise_filter": {(1, 2): {"max_mean_length": 5}}},
            "found 'max_mean_length', expected max_mean_len; did you mean 'max_mean_len'",
        ),
        ({"epoch_wise_filter": {(1, 2): {"max_mean_len": "5"}}}, "max_mean_len: found '5', expected a length"),
        ({"partition_epoch": 8}, "partition_epoch: found 8 parts of 7 sequences, expected none to be empty"),
    ],
)
def test_wrong_options_are_reported(file, options, message):
    with pytest.raises(DataError, match=message) as raised:
        orders(file, 1, **options)
    assert "\n" not in str(raised.value)


def test_a_list_that_fits_nothing_is_reported(file, tmp_path):
    path = tmp_path / "tags"
    path.write_text("x\ny\n")
    with pytest.raises(DataError, match=r"tags: found x, y, …, none of them in the data set, which has a, b, c, …"):
        orders(file, 1, seq_list_filter_file=str(path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pkl", b"no pickle", "cannot be read as a list of sequence tags: not a pickle"),
        ("a.pkl", pickle.dumps({"d": ["a"]}), "found a dict of d, expected a list"),
        ("a.pkl", pickle.dumps([1]), r"found \[1\], expected a list of sequence tags"),
        ("a.pkl", pickle.dumps(np.float64), "found an object of numpy"),
        ("a.gz", b"no gzip", "cannot be read"),
        ("a.txt", b"\xff", "not a text file in UTF-8"),
    ],
)
def test_wrong_lists_of_tags_are_reported(file, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        orders(file, 1, seq_list_filter_file=str(tmp_path / name))


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("ab", "found 3 parts and 2 listed sequences, so a part would be empty"),
        ("abg", "epoch 2: partition_epoch and seq_"),
    ],
)
def test_a_list_that_leaves_a_later_partition_empty_is_found_before_the_first_epoch(file, tmp_path, listed, message):
    path = tmp_path / "tags"
    path.write_text("\n".join(listed))
    options = {"seq_list_filter_file": str(path), "partition_epoch": 3, "seq_ordering": "default"}
    with open_dataset(described(file, **options)) as dataset, pytest.raises(DataError, match=message):
        dataset.check_not_empty()
