"""Each layer leaves in the padding what its class states, `Layer.in_padding`, whatever its sources have there."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.network.axes import DYNAMIC
from boulder.network.in_padding import InPadding
from boulder.network.padding_guard import guarded
from boulder.network.run_state import RunState
from boulder.network.tensor import Tensor
from tests.every_layer import EXTERN_DATA, NETWORKS
from tests.network.test_raggedness import batch_of, draw_sequence, random_value

SIZES = [(4, 2, 6), (1, 1, 1), (6, 2, 3)]
"""letters, labels and frames of each sequence; nowhere are there more labels than CTC can align"""


def run(network: dict) -> tuple[RunState, list]:
    """:return: state of the network after a batch of unequal lengths in training; its layers"""
    spec, rng = describe(network, EXTERN_DATA), np.random.default_rng(0)
    params = {path: tf.constant(random_value(rng, path, p.shape), p.dtype) for path, p in spec.params.items()}
    data, lengths = batch_of([draw_sequence(rng, *size) for size in SIZES], 2, rng)
    state = RunState(params, True, 0, 3, shared=spec.shared)
    for key, template in spec.extern_data.items():
        state.add_stream(key, template, tf.constant(data[key]), lengths)
    for layer in spec.layers.values():
        state.compute(layer)
    return state, list(spec.layers.values())


def frames(state: RunState, x: Tensor) -> tf.Tensor:
    """
    :return: bool of the shape of `x`, False in the padding; the same numbers for all sequences have none. An axis of the frames
        of a loop so far has the loop's padding where `x` has the entries of all frames, see `boulder.network.loop.history`
    """
    mask = tf.ones_like(x.value, tf.bool)
    for axis in x.axes:
        if axis.kind in DYNAMIC and not axis.size and x.template.batch:
            over = state.lengths.axes(axis)
            of = axis if set(over) <= set(x.axes) else over[0]
            mask &= state.lengths.mask_over([of if a == axis else a for a in x.axes], of)
    return mask


def refilled(state: RunState, x: Tensor, rng: np.random.Generator | None) -> Tensor:
    """:return: `x` with random valid values in the padding; None: 0"""
    shape, dtype = tuple(x.value.shape), x.value.dtype
    if rng is None:
        values = np.zeros(shape)
    elif dtype.is_floating:
        values = rng.normal(0, 10, shape)
    else:
        values = rng.integers(0, x.template.sparse_dim or 2, shape)
    return replace(x, value=tf.where(frames(state, x), x.value, tf.cast(values, dtype)), logits=None)


def axes_with_padding(x: Tensor) -> int:
    return sum(axis.kind in DYNAMIC for axis in x.axes) if x.template.batch else 0


def padding(state: RunState, x: Tensor) -> np.ndarray:
    return np.array(tf.boolean_mask(x.value, ~frames(state, x))) if x.axes else np.zeros(0)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_layer_leaves_in_the_padding_what_its_class_states(name):
    state, layers = run(NETWORKS[name])
    rng = np.random.default_rng(1)
    for layer in layers:
        for filling in (None, rng):
            sources = [refilled(state, state.output(source), filling) for source in layer.sources]
            outputs, gradients = computed(state, layer, sources)
            where = f"{layer.name} ({layer.layer.class_name})"
            for output in outputs:
                values = padding(state, output)
                assert np.isfinite(values).all(), where
                if output.template.sparse_dim:
                    assert ((values >= 0) & (values < output.template.sparse_dim)).all(), where
                states = layer.layer.in_padding
                of_source = filling is None and all(axes_with_padding(x) == axes_with_padding(output) for x in sources)
                if states is InPadding.ZERO or (states is InPadding.SOURCE and of_source):
                    assert not values.any(), f"{where} states {states!r}"
            for x, gradient in zip(sources, gradients, strict=True):
                assert np.isfinite(gradient).all(), f"{where}: gradient of a source"
                assert not gradient[~frames(state, x).numpy()].any(), f"{where}: gradient in the padding of a source"


def computed(state: RunState, layer, sources: list[Tensor]) -> tuple[list[Tensor], list[np.ndarray]]:
    """:return: outputs of a layer; gradients of its sources of the sum of their entries that are not padding"""
    with tf.GradientTape() as tape:
        tape.watch([x.value for x in sources])
        result = guarded(layer.layer, state.run(layer), sources)
        outputs = [*result.values()] if isinstance(result, dict) else [result]
        kept = [tf.where(frames(state, x), x.value, 0) for x in outputs if x.value.dtype.is_floating]
        total = tf.add_n([tf.reduce_sum(value * tf.cos(value)) for value in kept]) if kept else tf.constant(0.0)
    gradients = tape.gradient(total, [x.value for x in sources], unconnected_gradients="zero")
    return outputs, [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


LOG_OF_ZERO = {
    "frames": {"class": "linear", "from": "data:dense", "n_out": 3, "activation": "tanh"},
    "weights": {
        "class": "pool",
        "from": "frames",
        "mode": "max",
        "pool_size": (1,),
        "padding": "same",
    },  # 0 in the padding
    "by_eval": {"class": "eval", "from": "weights", "eval": "tf.math.log(source(0) ** 2) + tf.sqrt(source(0) ** 2)"},
    "root": {"class": "activation", "from": "squared", "activation": "sqrt"},
    "by_activation": {"class": "activation", "from": "root", "activation": "rsqrt"},
    "by_combine": {"class": "combine", "from": ["weights", "weights"], "kind": "truediv"},
    "squared": {"class": "eval", "from": "weights", "eval": "tf.square(source(0)) + 1e-3"},
    "by_log": {"class": "activation", "from": "squared", "activation": "log"},
    "output": {
        "class": "softmax",
        "from": ["by_eval", "by_activation", "by_combine", "by_log"],
        "loss": "ce",
        "target": "align",
    },
}


def test_functions_that_are_infinite_at_0_do_not_see_the_padding():
    spec, rng = describe(LOG_OF_ZERO, EXTERN_DATA), np.random.default_rng(0)
    params = {path: tf.Variable(rng.normal(0, 0.7, p.shape).astype("float32")) for path, p in spec.params.items()}
    data, lengths = batch_of([draw_sequence(rng, *size) for size in SIZES], 2, rng)
    with tf.GradientTape() as tape:
        out = run_network(spec, params, data, lengths, train=True)
        loss = out.losses["output"].cost
    assert np.isfinite(float(loss))
    for path, gradient in tape.gradient(loss, params).items():
        assert np.isfinite(gradient.numpy()).all(), path
