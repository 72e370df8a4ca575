"""A loop or a masked computation in a subnetwork reads the layers of the subnetwork as `base:…`, and those around it as `base:base:…`."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 5}}
LENGTHS = [4, 2]


def linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


def mean(source):
    return {"class": "reduce", "mode": "mean", "axes": "T", "from": source}


def decoder(outer: str, **options) -> dict:
    """
    :param outer: how the loop names layer `v`, which is around the subnetwork
    :return: layers, with a loop that is `output`
    """
    unit = {
        "number": {"class": "rec_unstack", "from": "base:numbers"},
        "pre": linear(["data:source", "prev:output", "base:h", outer], 3),
        "output": {"class": "eval", "from": ["pre", "number"], "eval": "source(0) + tf.cast(source(1), tf.float32)", "initial_output": outer},
    }  # fmt: skip
    return {
        "h": mean("enc"),
        "enc": linear("data", 3),
        "numbers": {"class": "range_in_axis", "from": "data", "axis": "T"},
        "loop": {"class": "rec", "from": "enc", "unit": unit, **options},
        "output": linear("loop", 2),
    }


LAYERS = {"m": mean("data"), "v": linear("m", 3)}


def output(network: dict, params: dict, batch) -> np.ndarray:
    """
    :param params: path without "sub/" → value
    """
    spec = describe(network, EXTERN_DATA)
    assert {path.removeprefix("sub/") for path in spec.params} == set(params)
    result = run_network(spec, {path: params[path.removeprefix("sub/")] for path in spec.params}, *batch)
    return result.layers["output"].ordered(spec.layers["output"].template.axes).numpy()


@pytest.mark.parametrize("options", [{}, {"optimize_move_layers_out": False}])
def test_a_loop_in_a_subnetwork_computes_what_it_computes_outside(options, random_batch, random_params):
    plain = LAYERS | decoder("base:v", **options)
    sub = {"class": "subnetwork", "from": "data", "subnetwork": decoder("base:base:v", **options)}
    nested = LAYERS | {"sub": sub, "output": {"class": "copy", "from": "sub"}}
    spec = describe(plain, EXTERN_DATA)
    params, batch = random_params(spec), [{"data": part["data"]} for part in random_batch(LENGTHS)]
    assert (output(plain, params, batch) == output(nested, params, batch)).all()


def test_a_masked_computation_in_a_subnetwork_reads_the_subnetwork():
    layers = {
        "h": linear("data", 4),
        "mask": {"class": "compare", "from": "first", "kind": "greater", "value": 0.0},
        "first": {"class": "reduce", "mode": "max", "axes": "F", "from": "data"},
        "masked": {"class": "masked_computation", "mask": "mask", "from": "h", "unit": linear(["data", "h"], 2)},
        "output": {"class": "reduce", "mode": "mean", "axes": "T", "from": "masked"},
    }
    network = {"sub": {"class": "subnetwork", "from": "data", "subnetwork": layers}, "output": linear("sub", 2)}
    assert describe(network, EXTERN_DATA).params["sub/masked/W"].shape == (8, 2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("base:encc", "'base:encc', which does not exist outside of the loop; did you mean 'base:enc'?"),
        ("base:v", "'base:v', which does not exist outside of the loop"),
        ("enc", "'enc', which is no layer of the loop; did you mean 'base:enc'?"),
        ("prev:enc", "'prev:enc', but 'enc' is outside of the loop and has no previous frame; 'base:enc' is the layer"),
    ],
)
def test_message(name, message):
    layers = decoder("base:base:v")
    layers["loop"]["unit"]["pre"]["from"] = name
    sub = {"class": "subnetwork", "from": "data", "subnetwork": layers}
    network = LAYERS | {"sub": sub, "output": {"class": "copy", "from": "sub"}}
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert message in str(caught.value)
