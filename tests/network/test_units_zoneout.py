"""Zoneout (Krueger et al. 2017): its random numbers, and its expectation outside of training."""

import numpy as np
import pytest

from boulder.network import describe, run_network
from boulder.network.units.lstm_cell import LstmCell
from boulder.network.units.zoneout_lstm import ZoneoutLstm

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}}
N, RATE, LENGTHS = 8, 0.3, [6, 4]


def zoneout(rate: float) -> dict:
    return {"zoneout_factor_cell": rate, "zoneout_factor_output": rate, "use_zoneout_output": True}


def unit(cls: str = "rec", rate: float = RATE, **options) -> dict:
    return {"class": cls, "unit": "ZoneoutLSTM", "unit_opts": zoneout(rate), "from": "data", "n_out": N, **options}


def loop(cls: str, source: str = "data:source", **options) -> dict:
    """A loop around the unit. `prev:output` as the second source would keep it in the loop."""
    inside = {"s": unit(cls, **{"from": source}), "output": {"class": "copy", "from": "s"}}
    return {"output": {"class": "rec", "from": "data", "unit": inside, **options}}


def output(network: dict, **options) -> np.ndarray:
    """:return: [B, T, n]"""
    spec = describe(network, EXTERN_DATA)
    rng = np.random.default_rng(0)
    params = {path: rng.normal(0, 0.7, p.shape).astype("float32") for path, p in sorted(spec.params.items())}
    x = np.random.default_rng(1).normal(size=(2, 6, 3)).astype("float32")
    result = run_network(spec, params, {"data": x}, {"data": np.int32(LENGTHS)}, **options).layers["output"]
    return result.ordered(result.template.axes).numpy()


def test_evaluation_takes_the_expectation():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    spec = describe({"output": unit()}, EXTERN_DATA)
    rng = np.random.default_rng(0)
    params = {path: rng.normal(0, 0.7, p.shape).astype("float32") for path, p in sorted(spec.params.items())}
    kernel, bias = params["output/rec/lstm_cell/kernel"], params["output/rec/lstm_cell/bias"]
    x, found = np.random.default_rng(1).normal(size=(2, 6, 3)).astype("float32"), output({"output": unit()})
    for seq, length in enumerate(LENGTHS):
        c, h = np.zeros(N), np.zeros(N)
        for frame in range(length):
            i, z, f, o = np.split(np.concatenate([x[seq, frame], h]) @ kernel + bias, 4)
            new_c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(z)
            new_h = sigmoid(o) * np.tanh(new_c)
            c, h = RATE * c + (1 - RATE) * new_c, RATE * h + (1 - RATE) * new_h
            np.testing.assert_allclose(found[seq, frame], h, rtol=1e-5, atol=1e-6)


def test_training_keeps_entries_of_the_previous_output_with_that_probability():
    y = output({"output": unit()}, train=True, seed=1)
    kept = np.concatenate([y[seq, 1:length] == y[seq, : length - 1] for seq, length in enumerate(LENGTHS)])
    assert abs(kept.mean() - RATE) < 0.15
    assert (kept[0] != kept[1]).any()  # another choice in each frame
    assert not np.array_equal(kept[0], kept[-1])


def test_masks_depend_on_seed_and_step_and_on_nothing_else():
    network = {"output": unit()}
    y = output(network, train=True, seed=1, step=5)
    assert (y == output(network, train=True, seed=1, step=5)).all()
    assert (y != output(network, train=True, seed=1, step=6)).any()
    assert (y != output(network, train=True, seed=2, step=5)).any()


@pytest.mark.parametrize("cls", ["rec", "rnn_cell"])
@pytest.mark.parametrize("train", [True, False])
def test_a_unit_computes_the_same_in_a_loop_and_moved_out_of_it(cls, train):
    inside = output(loop(cls, optimize_move_layers_out=False), train=train)
    moved_out = output(loop(cls), train=train)
    assert describe(loop(cls, optimize_move_layers_out=False), EXTERN_DATA).loops["output"].inside
    assert not describe(loop(cls), EXTERN_DATA).loops["output"].inside
    for seq, length in enumerate(LENGTHS):
        np.testing.assert_allclose(inside[seq, :length], moved_out[seq, :length], rtol=1e-5, atol=1e-6)


def test_a_unit_with_further_axes_computes_the_same_in_a_loop_and_moved_out_of_it():
    def network(**options) -> dict:
        split = {"class": "split_dims", "from": "data:source", "axis": "F", "dims": (3, 1)}
        copies = {"class": "linear", "from": "split", "n_out": 2}
        inside = {"split": split, "copies": copies, "s": unit("rnn_cell", **{"from": "copies"})}
        return {"output": {"class": "rec", "from": "data", "unit": {**inside, "output": {"class": "copy", "from": "s"}}, **options}}  # fmt: skip

    inside, moved_out = (output(network(**o), train=True) for o in ({"optimize_move_layers_out": False}, {}))
    assert inside.shape == moved_out.shape == (2, 6, 3, N)
    for seq, length in enumerate(LENGTHS):
        np.testing.assert_allclose(inside[seq, :length], moved_out[seq, :length], rtol=1e-5, atol=1e-6)


def test_one_mask_for_all_frames_is_variational_dropout(monkeypatch):
    def step(self, weights, z, state, context):
        new = LstmCell.step(self, weights, z, state, context)
        return {**new, "h": context.uniform("mask", N, every_frame=False) + 0 * new["h"]}

    monkeypatch.setattr(ZoneoutLstm, "step", step)
    y = output({"output": unit()}, train=True)
    assert (y[0, 0] == y[0, 5]).all()
    assert (y[0, 0] != y[1, 0]).any()


def test_the_output_may_be_that_before_zoneout():
    before = unit()
    before["unit_opts"] = before["unit_opts"] | {"use_zoneout_output": False}
    y = output({"output": before}, train=True)
    kept = y[:, 1:] == y[:, :-1]
    assert not kept[0].any()
    # the first output does not depend on the previous state, so only later frames tell the two apart
    after = output({"output": unit()}, train=True)
    assert (y[0, 0][after[0, 0] != 0] == after[0, 0][after[0, 0] != 0]).all()
    assert (y[0, 1:] != after[0, 1:]).any()
