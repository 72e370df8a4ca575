"""Generated sequences; tests/parity/test_readers_like_returnn.py compares them with RETURNN's."""

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.errors import DataError


def epoch(description: dict, number: int, start: int = 0, default: str = "default") -> list:
    with open_dataset(description) as dataset:
        dataset.check()
        dataset.check_not_empty()
        return [
            (s.tag, {k: v.tolist() for k, v in s.data.items()}) for s in dataset.sequences(number, 1, default, start)
        ]


def test_sequences_are_the_same_whenever_an_epoch_is_read_and_differ_between_epochs():
    described = {
        "class": "CopyTaskDataset",
        "num_seqs": 9,
        "nsymbols": 9,
        "minlen": 4,
        "maxlen": 8,
        "seq_ordering": "random",
    }
    first = epoch(described, 1)
    assert sorted(tag for tag, _ in first) == [f"seq-{i}" for i in range(9)]
    assert epoch(described, 1, start=5) == first[5:]
    assert dict(epoch(described, 2)) != dict(first)
    assert epoch(described | {"fixed_random_seed": 1}, 2) == first


def test_orders_by_length_are_the_default_if_sorted_and_else_refused():
    described = {"class": "TaskNumberBaseConvertDataset", "num_seqs": 5}
    assert (
        epoch(described | {"seq_ordering": "sorted"}, 1)
        == epoch(described, 1, default="sorted_reverse")
        == epoch(described, 1)
    )
    with pytest.raises(
        DataError, match=r"seq_ordering: found 'laplace:\.3', which needs lengths; expected default, reverse"
    ):
        open_dataset(described | {"seq_ordering": "laplace:.3"})


def test_the_answer_of_12ax_follows_the_rule():
    with open_dataset({"class": "Task12AXDataset", "num_seqs": 1}) as dataset:
        assert "".join(dataset.answer("1AX2BY1BY2AXCZ1AAX1ACX")) == "LLRLLRLLLLLLLLLLLRLLLR"


def test_tags_are_expected_where_they_close():
    with open_dataset({"class": "TaskXmlModelingDataset", "num_seqs": 1}) as dataset:
        assert "".join(dataset.answer(" <ab><c></c></ab>")) == "<   <  < c>< ab><"


def test_generated_sequences_may_be_parts_of_other_data_sets():
    inner = {"class": "Task12AXDataset", "num_seqs": 3}
    whole = epoch(inner, 2)
    assert epoch({"class": "MultiProcDataset", "dataset": inner}, 2) == whole
    assert epoch({"class": "ConcatDataset", "datasets": [inner, inner]}, 2, start=2) == [*whole[2:], *whole]
    parts = {"class": "MultiEpochDataset", "dataset": inner | {"partition_epoch": 3}, "multi_epoch": 2}
    assert [tag for tag, _ in epoch(parts, 2)] == ["seq-2", "seq-0"]
    assert [tag for tag, _ in epoch(parts, 2, start=1)] == ["seq-0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class": "Task12AXDataset"}, "num_seqs: found none, expected a number of sequences"),
        ({"class": "Task12AXDataset", "num_seqs": 0}, "num_seqs: found 0"),
        ({"class": "TaskXmlModelingDataset", "limit_stack_depth": 0}, "limit_stack_depth: found 0, expected an integer of at"),
        ({"class": "CopyTaskDataset", "nsymbols": 200}, "nsymbols: found 200, expected an integer of at least 1 and at most 127"),
        ({"class": "CopyTaskDataset", "nsymbols": 2}, "epoch 1: found minlen 0 and maxlen 0, expected 0 < minlen <= maxlen"),
        ({"class": "TaskNumberBaseConvertDataset", "input_base": 1}, "input_base: found 1, expected an integer of at least 2"),
        ({"class": "DummyDataset", "input_dim": 2, "output_dim": 2, "seq_len": {"data": 1}}, "seq_len: found data, expected a"),
        ({"class": "DummyDataset", "input_dim": 2, "output_dim": 2, "seq_len": 0.5}, "seq_len: found 0.5 for 'data'"),
        ({"class": "DummyDatasetMultipleDataKeys", "output_dim": {"a": 2}}, "data_keys: found data, classes, expected those of"),
    ],
)  # fmt: skip
def test_wrong_options_are_reported(options, message):
    sizes = {} if "num_seqs" in options or "12AX" in options["class"] else {"num_seqs": 3}
    with pytest.raises(DataError, match=message):
        epoch(options | sizes, 1)


def test_features_are_one_hot():
    (_, data), *_ = epoch({"class": "TaskEpisodicCopyDataset", "num_seqs": 1}, 1)
    assert (np.sum(data["data"], axis=1) == 1).all()
    assert len(data["data"]) == len(data["classes"])
