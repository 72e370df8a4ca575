"""Random stacks of layers of tests/every_layer.py: the result for a sequence depends neither on its batch nor on padding, and
everything is finite, in the padding as well.
"""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.axes import Time
from tests.every_layer import EXTERN_DATA, NETWORKS
from tests.network.test_raggedness import batch_of, draw_sequence, random_value

OF_OTHERS = ("loss", "loss_opts", "loss_scale", "target", "is_output_layer", "only_on_search", "only_on_eval")
POOL = [
    {key: value for key, value in options.items() if key not in OF_OTHERS}
    for network in NETWORKS.values()
    for options in network.values()
    if options.get("from", "data") != [] and "size_base" not in options
]
SIZES = [(4, 2, 7), (1, 1, 1), (6, 2, 4)]
"""letters, labels and frames of each sequence"""

ENDS = (
    {"class": "softmax", "loss": "ctc", "target": "classes"},
    {"class": "softmax", "loss": "ce", "target": "align"},
    {"class": "linear", "activation": None, "loss": "mse", "target": "dense"},
    {"class": "linear", "activation": "sigmoid", "loss": "bin_ce", "target": "dense"},
    {"class": "linear", "activation": "tanh", "n_out": 2, "loss": "as_is"},
)


def stack(layers: list[dict], end: dict) -> dict | None:
    """:return: net of those of `layers` that fit on each other, in their order, with a loss that fits; None if none does"""
    net, source = {}, "data:dense"
    for number, options in enumerate(layers):
        given = options.get("from", "data")
        sources = source if isinstance(given, str) else [source] * len(given)
        with_next = net | {f"layer{number}": options | {"from": sources, "is_output_layer": True}}
        spec = described(with_next)
        template = spec and spec.layers[f"layer{number}"].template
        # code computes with numbers, not with classes; a mean over the batch depends on all of its sequences
        if template and template.dtype == "float32" and template.batch:
            net, source = with_next, f"layer{number}"
    for loss in (end, ENDS[-1]):
        found = net | {"output": loss | {"from": source}}
        spec = described(found)
        compares_frames = spec and spec.losses["output"].loss.is_framewise
        if spec and not (compares_frames and spec.layers["output"].template.time != Time("dense")):
            return found
    return None


def described(net: dict):
    try:
        return describe(net, EXTERN_DATA)
    except NetworkError:
        return None


def computed(spec, params: dict, data: dict, lengths: dict) -> tuple:
    """:return: layer → [B, …] without padding as a list of rows, if it has one dynamic axis or none; loss; gradients"""
    with tf.GradientTape() as tape:
        out = run_network(spec, params, data, lengths, train=True, step=3)
        loss = out.losses["output"]
    rows = {}
    for name, x in out.layers.items():
        assert np.isfinite(np.array(tf.cast(x.value, tf.float64))).all(), f"{name} is not finite"
        times = [axis for axis in x.axes if axis.kind in ("time", "loop")]
        # frames so far are counted for each frame of a loop, not for each sequence
        if x.template.batch and len(times) < 2 and ("history",) not in [time.origin[:1] for time in times]:
            rest = [axis for axis in x.axes if axis not in times and axis.kind != "batch"]
            value = x.ordered([x.template.batch, *times, *rest]).numpy()
            sizes = out.lengths[times[0].as_time()] if times and not times[0].size else [None] * len(value)
            rows[name] = [row[:size] for row, size in zip(value, sizes, strict=True)]
    gradients = tape.gradient(loss.cost, params, unconnected_gradients="zero")
    return rows, np.array(loss), {path: tf.convert_to_tensor(gradient).numpy() for path, gradient in gradients.items()}


def check(net: dict, seed: int) -> None:
    spec, rng = describe(net, EXTERN_DATA), np.random.default_rng(seed)
    params = {path: tf.Variable(random_value(rng, path, p.shape)) for path, p in spec.params.items()}
    sequences = [draw_sequence(rng, *size) for size in SIZES]
    try:
        rows, loss, gradients = computed(spec, params, *batch_of(sequences, 2, rng))
    except NetworkError as error:
        if "declare the result in 'out_type'" in str(error):  # of code, which holds for its own sources only
            return
        raise
    alone = [computed(spec, params, *batch_of([sequence], 0, rng)) for sequence in sequences]
    for name, own in rows.items():
        for seq, (other, *_) in enumerate(alone):
            np.testing.assert_allclose(own[seq], other[name][0], rtol=1e-4, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(loss, sum(other for _, other, _ in alone), rtol=1e-4, atol=1e-5)
    for path, gradient in gradients.items():
        expected = sum(other[path] for *_, other in alone)
        tolerance = 1e-5 * max(1, np.abs(expected).max(initial=0))
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=tolerance, err_msg=path)


STACKS = given(
    layers=st.lists(st.sampled_from(POOL), min_size=1, max_size=8), end=st.sampled_from(ENDS), seed=st.integers(0, 99)
)


@settings(max_examples=6, deadline=None, derandomize=True)
@STACKS
def test_a_batch_is_the_sum_of_its_sequences(layers, end, seed):
    net = stack(layers, end)
    assume(net)
    check(net, seed)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@STACKS
def test_a_batch_is_the_sum_of_its_sequences_in_many_stacks(layers, end, seed):
    net = stack(layers, end)
    assume(net)
    check(net, seed)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(POOL)), ids=lambda number: POOL[number]["class"])
def test_a_single_layer_on_frames(number):
    net = stack([POOL[number]], ENDS[-1])
    if net:
        check(net, number)
