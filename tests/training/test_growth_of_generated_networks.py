"""`net2wider` of networks as programs generate them: each parameter a `variable`, each axis a `Dim`, each norm a mean and a square."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim
from boulder.training.growth import GrowthOptions, grow
from tests.generated_networks import conformer_block, decoder, feed_forward, layer_norm, linear, self_attention
from tests.training.preserved import fresh, trained

TIME, INPUT, LABEL_TIME, LABELS = (
    SpatialDim("time"),
    FeatureDim("input", 6),
    SpatialDim("labels"),
    FeatureDim("label", 3),
)
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]},
    "classes": {"dim": 3, "sparse": True, "shape": (None,), "dim_tags": [batch_dim, LABEL_TIME], "sparse_dim": LABELS},
}
AXES = {batch_dim, TIME}


def net(kind: str, size: int, num_heads: int = 2, num_keys: int = 5) -> dict:
    model, heads, key = FeatureDim("model", size), SpatialDim("heads", num_heads), FeatureDim("key", num_keys)
    made = {
        "layer norm": lambda: {"x": layer_norm("h", model, AXES)},
        "feed-forward": lambda: {"x": feed_forward("h", model, AXES)},
        "self-attention": lambda: {"x": self_attention("h", TIME, model, heads)},
        "conformer block": lambda: {"x": conformer_block("h", TIME, model, heads)},
        "decoder": lambda: {"x": layer_norm("h", model, AXES), **decoder("x", TIME, LABEL_TIME, LABELS, model, key)},
    }[kind]()
    out = {"class": "linear", "from": "x", "out_dim": LABELS, "activation": None, "is_output_layer": True}
    if "decoder" in made:
        made["decoder"]["unit"]["prob"]["is_output_layer"] = True
        return {"h": linear("data", INPUT, model, AXES), **made, "output": {"class": "copy", "from": "decoder/prob"}}
    return {"h": linear("data", INPUT, model, AXES), **made, "output": out}


def output(spec, values: dict) -> np.ndarray:
    random = np.random.default_rng(4)
    data = {"data": random.normal(size=(2, 7, 6)).astype("float32"), "classes": random.integers(0, 3, (2, 4))}
    lengths = {"data": [7, 5], "classes": [4, 2]}
    constants = [{key: tf.constant(value) for key, value in values.items()} for values in (data, lengths)]
    result = run_network(spec, {path: tf.constant(value) for path, value in values.items()}, *constants).layers[
        "output"
    ]
    first, second = result.ordered(result.template.axes).numpy()
    return np.concatenate([first, second[: 2 if "classes" in str(result.template) else 5]])


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("layer norm", {"size": 4}, {"size": 8}),
        ("feed-forward", {"size": 4}, {"size": 8}),
        ("self-attention", {"size": 4}, {"size": 8}),
        ("self-attention", {"size": 4}, {"size": 8, "num_heads": 4}),
        pytest.param("conformer block", {"size": 4}, {"size": 12}, marks=pytest.mark.slow),
        ("decoder", {"size": 4, "num_keys": 3}, {"size": 8, "num_keys": 5}),
    ],
)
def test_it_computes_the_same(kind, old, new):
    specs = [describe(net(kind, **sizes), EXTERN_DATA) for sizes in (old, new)]
    before = trained(specs[0])
    options = GrowthOptions(network=specs[1], old_network=specs[0], noise=0.5)
    after, report = grow(before, specs[0].params, specs[1].params, fresh, "net2wider", options)
    assert report.initialised == report.dropped == []
    np.testing.assert_allclose(output(specs[1], after), output(specs[0], before), rtol=1e-5, atol=2e-6)
