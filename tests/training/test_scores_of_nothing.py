"""A mean over no frames, and one that is not finite, is no number; the sequences that lead to it are told."""

import json
import math

import numpy as np
import pytest

from boulder.data import HdfWriter
from boulder.network import describe
from boulder.network.loss import LossValue
from boulder.training.scores import Sums, read_scores
from tests.tiny import phase

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 3, "sparse": True}}
SOFTMAX = {"class": "softmax", "from": "data", "target": "classes"}


def sums_of(*batches: LossValue, exp: bool = False, net=None) -> Sums:
    sums = Sums(describe(net or {"output": SOFTMAX | {"loss": "ce"}}, EXTERN_DATA), exp)
    for batch in batches:
        sums.add({"output": batch})
    return sums


def test_a_mean_over_no_frames_is_no_number():
    sums = sums_of(LossValue(0.0, 0.0, 0.0, 4.0, 4.0), LossValue(0.0, 0.0, 0.0, 1.0, 2.0), exp=True)
    assert sums.means() == {"cost:output": None, "cost:output:exp": None, "error:output": None}
    assert sums.left_out == {"output": (5, 6)}


def test_so_is_that_of_a_data_set_without_batches():
    assert sums_of().means() == {"cost:output": None, "error:output": None}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_mean_that_is_not_finite_is_no_number(value):
    sums = sums_of(LossValue(value, 1.0, 2.0, 0.0, 1.0), LossValue(1.0, 1.0, 2.0, 0.0, 1.0))
    assert sums.means() == {"cost:output": None, "error:output": 0.5}
    assert sums.left_out == {}


def test_the_sums_of_an_interrupted_epoch_survive_in_json():
    before = sums_of(LossValue(1.5, math.nan, 2.0, 1.0, 3.0))
    written = json.loads(json.dumps(before.sums).replace("NaN", "null"))
    after = Sums(before.spec, sums=written)
    assert (after.means(), after.left_out) == ({"cost:output": 0.75, "error:output": None}, {"output": (1, 3)})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """:return: function (name, lengths of "data", lengths of "classes", sequence with a NaN) that writes a file"""
    folder = tmp_path_factory.mktemp("files")

    def written(name, frames, labels, bad=None):
        with HdfWriter(folder / name, EXTERN_DATA) as file:
            for number, (length, count) in enumerate(zip(frames, labels, strict=True)):
                values = np.ones((length, 2), "float32")
                values[-1:, 1] = np.nan if number == bad else 1
                file.write(f"s-{number}", {"data": values, "classes": np.arange(count, dtype="int32") % 3})
        return folder / name

    return written


POOLED = {
    "pool": {"class": "pool", "mode": "max", "padding": "same", "pool_size": (3,), "from": "data"},
    "output": SOFTMAX | {"from": "pool", "loss": "ctc"},
}


def test_ctc_whose_targets_fit_nowhere_has_no_dev_score(training, files, tmp_path):
    train = [files("ctc_train.hdf", [12, 9, 12], [4, 3, 5])]
    dev = [files("ctc_dev.hdf", [9, 12, 6, 3], [4, 5, 3, 2])]
    lines = []
    checkpoint = training(
        [phase(0, range(1, 3), POOLED)], extern_data=EXTERN_DATA, train=train, dev=dev, say=lines.append
    )
    for record in read_scores(tmp_path / "run" / "scores.jsonl"):
        epoch = record["epoch"]
        assert record["dev"] == {"cost:output": None, "error:output": None}
        assert record["train"]["cost:output"] > 0
        assert record["warnings"] == [
            f"epoch {epoch}, train: the loss of layer 'output' leaves out 1 of 3 sequences, whose targets need more frames than there are",
            f"epoch {epoch}, dev: the loss of layer 'output' leaves out 4 of 4 sequences, whose targets need more frames than there are",
            f"epoch {epoch}, dev: cost:output and error:output: no number, so None for schedules; rules of the learning rate, early "
            "stopping and the choice of best epochs pass over it",
        ]
        assert all(f"warning: {line}" in lines for line in record["warnings"])
    assert [record["dev"] for record in checkpoint.history] == [{"cost:output": None, "error:output": None}] * 2


def test_a_nan_in_dev_data_is_told_with_its_sequence(training, files, tmp_path):
    net = {"output": SOFTMAX | {"loss": "ce"}}
    train, dev = [files("train.hdf", [4, 5], [4, 5])], [files("dev.hdf", [4, 5, 6], [4, 5, 6], bad=1)]
    training([phase(0, range(1, 2), net, max_seqs=2)], extern_data=EXTERN_DATA, train=train, dev=dev)
    text = (tmp_path / "run" / "scores.jsonl").read_text()
    (record,) = (json.loads(line, parse_constant=lambda token: pytest.fail(token)) for line in text.splitlines())
    assert record["dev"]["cost:output"] is None
    assert record["warnings"][0] == (
        f"epoch 1, dev: cost:output not finite: found values in the data that are not finite: 's-1', 'data' in {dev[0]}"
    )
