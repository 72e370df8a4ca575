"""A schedule edits options at every depth from phase to phase: losses, `trainable`, noise, in loops, subnetworks and conditions."""

import numpy as np
import pytest

from boulder.training.scores import read_scores
from tests.tiny import phase
from tests.training.preserved import linear

NORM = {"class": "batch_norm", "momentum": 0.3, "update_sample_only_in_training": True, "param_version": 2}
ALWAYS = {
    "class": "eval", "from": "data:data", "eval": "tf.reduce_sum(source(0)) >= 0",
    "out_type": {
        "dtype": "bool", "shape": (), "dim": None, "sparse": False, "batch_dim_axis": None, "time_dim_axis": None,
        "feature_dim_axis": None,
    },
}  # fmt: skip


def network(width: int, loss: dict, **options) -> dict:
    """
    :param loss: options of the second loss, in a subnetwork
    :param options: `loop`, `sub`, `masked`, `cond`: options of the layer within it
    """
    own = {name: options.get(name, {}) for name in ("loop", "sub", "masked", "cond")}
    h = linear("data", width) | {"with_bias": False}  # before a norm, the gradient of a bias is 0 but for rounding
    in_sub = {"h": h | own["sub"], "norm": NORM | {"from": "h"}}
    in_sub["output"] = {"class": "softmax", "from": "norm", "target": "data", **loss}
    in_loop = {
        "s": linear(["data:source", "prev:s"], width, "tanh") | own["loop"],
        "output": {"class": "copy", "from": "s"},
    }
    return {
        "embedding": linear("data", 4) | {"with_bias": False},
        "sub": {"class": "subnetwork", "from": "embedding", "subnetwork": in_sub},
        "loop": {"class": "rec", "from": "embedding", "unit": in_loop},
        "seen": {"class": "compare", "from": "data", "kind": "not_equal", "value": 0},
        "some": {"class": "masked_computation", "from": "loop", "mask": "seen", "unit": linear("data", width) | own["masked"]},
        "every": {"class": "unmask", "from": "some", "mask": "seen"},
        "when": {
            "class": "cond", "from": [], "condition": ALWAYS, "true_layer": linear("loop", width) | own["cond"],
            "false_layer": linear("loop", width),
        },
        "output": {"class": "softmax", "from": ["loop", "sub/norm", "every", "when"], "loss": "ctc"},
    }  # fmt: skip


CE = {"loss": "ce", "loss_scale": 0.5}


def phases(noise: bool = True) -> list[dict]:
    """:param noise: whether to draw random numbers: dropout, and noise on parameters"""
    dropout = {"dropout": 0.3} if noise else {}
    noisy = {"param_variational_noise": 0.1} if noise else {}
    return [
        phase(0, range(1, 3), network(4, CE, loop={"trainable": False}, masked=dropout)),
        phase(1, range(3, 4), network(5, {}, loop={"L2": 0.1}, sub=noisy, cond={"trainable": False})),
        phase(
            2, range(4, 6), network(6, CE | {"loss_scale": 0.1}, sub={"trainable": False}, masked={"trainable": False})
        ),
    ]


PHASES = phases()


@pytest.fixture
def ends(training, tmp_path) -> list:
    """:return: the last checkpoint of each phase, trained in a run of its own, each in the folder of its number"""
    before = [None, *(tmp_path / f"{number}/checkpoint.h5" for number in range(len(PHASES) - 1))]
    return [training([one], str(number), previous=before[number]) for number, one in enumerate(PHASES)]


@pytest.mark.slow
def test_options_hold_in_their_phase_and_runs_may_be_cut_anywhere(ends, training, stop_at, tmp_path):
    curve = [record["train"] for number in range(3) for record in read_scores(tmp_path / f"{number}/scores.jsonl")]
    losses = [sorted(key for key in scores if key.startswith("cost")) for scores in curve]
    both = ["cost:output", "cost:sub/output"]
    assert losses == [both, both, ["cost:output"], both, both]
    assert kept(ends[0], ends[1]) == {"when/W", "when/b", "sub/output/W", "sub/output/b"}  # frozen; without a loss
    assert kept(ends[1], ends[2]) == {"sub/h/W", "some/W", "some/b"}
    stop_at(9)
    with pytest.raises(SystemExit):
        training(PHASES, "together")
    training(PHASES, "together")
    assert (tmp_path / "together/checkpoint.h5").read_bytes() == (tmp_path / "2/checkpoint.h5").read_bytes()


def kept(old, new) -> set[str]:
    """:return: parameters of `old` whose entries have the same values in `new`"""
    return {path for path, value in old.params.items() if np.isin(value, new.params[path]).all()}
