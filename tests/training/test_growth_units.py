"""Growth of all recurrent units, gate by gate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.network import describe
from boulder.training.growth import GrowthOptions, grow
from tests.training.preserved import CHANGES, EXTERN_DATA, FEW, NOISE, check_is_preserved, fresh, refused, trained

KINDS = [("rec", "lstm"), ("rec", "StandardLSTM"), ("rec", "BasicLSTM"), ("rec", "GRU"), ("rnn_cell", "LSTMBlock"), ("rnn_cell", "GRU")]  # fmt: skip


def net(kind, width: int, initial_state=None) -> dict:
    cls, unit = kind
    one = {"class": cls, "unit": unit, "from": "embedding", "n_out": width, "initial_state": initial_state}
    return {
        "embedding": {"class": "linear", "from": "data", "n_out": 3, "with_bias": False},
        "one": one,
        "two": {**one, "from": ["one", "embedding"]},
        "output": {"class": "softmax", "from": ["two", "one"], "loss": "ctc"},
    }


@FEW
@given(st.sampled_from(KINDS), st.integers(1, 3), st.integers(0, 4), st.sampled_from([None, "var"]), NOISE)
def test_law_wider_units_compute_the_same(kind, width, wider, initial, noise):
    _, report = check_is_preserved(
        net(kind, width, initial), net(kind, width + wider, initial), "net2wider", noise=noise
    )
    assert report.initialised == report.dropped == []


@pytest.mark.parametrize("kind", KINDS)
def test_by_source_each_gate_keeps_its_columns_and_each_source_its_rows(kind):
    """Also in a loop: the rows of the layer before, of the loop's source, and of the unit's own output."""

    def loop(width: int) -> dict:
        cls, unit = kind
        inside = {
            "one": {"class": cls, "unit": unit, "from": "data:source", "n_out": width},
            "s": {"class": cls, "unit": unit, "from": ["one", "data:source", "prev:t"], "n_out": width},
            "t": {"class": "linear", "activation": None, "from": "s", "n_out": 2},
            "output": {"class": "softmax", "from": "s", "n_out": 5, "is_output_layer": True},
        }
        return {"output": {"class": "rec", "from": "data:x", "unit": inside}}

    old_specs, new_specs = (describe(loop(width), EXTERN_DATA).params for width in (2, 4))
    old = {path: np.arange(spec.size, dtype="float32").reshape(spec.shape) for path, spec in old_specs.items()}
    new, _ = grow(old, old_specs, new_specs, lambda spec: np.full(spec.shape, -1, "float32"), "subset_by_source")
    checked = 0
    for path, array in new.items():
        if "/s/rec/" not in path:
            continue
        gates = array.shape[-1] // 4
        if array.ndim == 1:
            kept = array.reshape(gates, 4)[:, :2].ravel()
        else:
            sources = [0, 1, *range(4, 9)] if array.shape[0] in (9, 13) else []  # one, 3 of source, 2 of t
            unit = [array.shape[0] - 4, array.shape[0] - 3] if array.shape[0] in (4, 13) else []
            kept = array[[*sources, *unit]].reshape(-1, gates, 4)[:, :, :2].reshape(-1, gates * 2)
        np.testing.assert_array_equal(kept, old[path], err_msg=path)
        assert (array == -1).sum() == array.size - old[path].size
        checked += 1
    assert checked == (4 if kind[1] == "GRU" else 3 if kind[1] == "lstm" else 2)


def test_an_initial_state_is_widened_with_the_layer_that_gives_it():
    def begins(width: int, **between) -> dict:
        network = net(("rec", "GRU"), width)
        network["two"] |= {"from": "embedding", "initial_state": "state" if between else "one"}
        return network | between

    def state(width: int) -> dict:
        return {"class": "get_last_hidden_state", "from": "one", "n_out": width}

    check_is_preserved(begins(2, state=state(2)), begins(3, state=state(3)), "net2wider", noise=0.5)
    check_is_preserved(begins(2), begins(3), "net2wider", noise=0.5)


def test_a_loop_reads_a_widened_layer():
    def loop(width: int) -> dict:
        cell = {"class": "rnn_cell", "unit": "GRU", "from": ["data:source", "prev:output"], "n_out": 3}
        return {
            "one": {"class": "rec", "from": "data:x", "n_out": width},
            "loop": {"class": "rec", "from": "one", "unit": {"output": cell}},
            "output": {"class": "softmax", "from": "loop", "loss": "ctc"},
        }

    check_is_preserved(loop(2), loop(3), "net2wider", noise=0.5)


@pytest.mark.parametrize("source", ["s", "prev:s"])
def test_readers_of_widened_units_in_a_loop_are_checked(source):
    def loop(width: int) -> dict:
        inside = {
            "s": {"class": "rnn_cell", "unit": "GRU", "from": ["data:source", "prev:norm"], "n_out": width},
            "norm": {"class": "eval", "from": source, "eval": "tf.reduce_max(source(0), -1, keepdims=True)", "n_out": 1,
                     "out_type": {"dim": 1, "shape": (1,)}},
            "output": {"class": "linear", "activation": None, "from": "norm", "n_out": 4},
        }  # fmt: skip
        return {
            "loop": {"class": "rec", "from": "data:x", "unit": inside},
            "output": {"class": "softmax", "from": "loop", "loss": "ctc"},
        }

    assert f"layer 'loop/norm' (eval) reads 'loop/{source}', whose axis feature gets wider, from 2 to 3" in refused(
        loop(2), loop(3), "net2wider"
    )


def test_the_same_width_changes_nothing():
    specs = describe(net(("rnn_cell", "LSTMBlock"), 3, "var"), EXTERN_DATA)
    old = trained(specs)
    new, _ = grow(old, specs.params, specs.params, fresh, "net2wider", GrowthOptions(network=specs, old_network=specs))
    assert all((new[path] == value).all() for path, value in old.items())


def alone(width: int, **options) -> dict:
    layer = {"from": "embedding", "n_out": width, **options}
    return {"embedding": {"class": "linear", "from": "data", "n_out": 3}, "one": layer} | {
        "output": {"class": "softmax", "from": "one", "loss": "ctc"}
    }


def test_a_unit_that_normalizes_over_its_units_is_not_widened():
    options = {"class": "rec", "unit": "LayerNormVariantsLSTM"}
    assert refused(alone(6, **options), alone(9, **options), "net2wider") == (
        "growth by net2wider: layer 'one' (rec) has a unit that normalizes over its units, and layer 'one' gets wider, from 6 to 9; "
        f"keep its width{CHANGES}"
    )


UNITS = [
    ("LSTMP", {}), ("NativeLSTM2", {}), ("RHN", {}), ("VanillaLSTM", {}), ("BasicRNN", {}), ("ZoneoutLSTM", {}),
    ("StandardLSTM", {"num_proj": 0}), ("StandardLSTM", {"use_peepholes": True}),
    ("LayerNormVariantsLSTM", {"global_norm": False, "cell_norm": False}),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "options"), UNITS)
def test_every_other_unit_is_widened(unit, options):
    def net(width: int) -> dict:
        of_width = {key: value or width for key, value in options.items()} if "num_proj" in options else options
        return alone(width, **{"class": "rec"}, unit=unit, unit_opts=of_width)

    check_is_preserved(net(3), net(5), "net2wider", noise=0.5)


def test_a_convolution_is_widened():
    options = {"class": "conv", "filter_size": (3,), "padding": "same", "with_bias": True}
    check_is_preserved(alone(3, **options), alone(5, **options), "net2wider", noise=0.5)
