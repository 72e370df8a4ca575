"""The templates of the spec half match the tensors of the compute half: axes, sizes, dtypes, parameters, streams."""

import warnings

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network, uses_streams
from boulder.training.scheduled_numbers import ScheduledNumbers, rates_of
from tests import every_layer

NETWORKS = {
    "ctc": {
        "embedding": {"class": "linear", "from": "data:letters", "n_out": 4, "with_bias": False},
        "frames": {"class": "repeat", "from": "embedding", "repetitions": 2},
        "fw": {"class": "rec", "from": "frames", "n_out": 3, "dropout": 0.1},
        "bw": {"class": "rec", "from": "frames", "n_out": 3, "direction": -1},
        "output": {"class": "softmax", "from": ["fw", "bw"], "loss": "ctc", "L2": 0.1},
    },
    "ce": {
        "unused": {"class": "linear", "n_out": 3},
        "speaker": {"class": "linear", "from": "data:speaker", "n_out": 5, "trainable": False},
        "sum": {"class": "combine", "kind": "add", "from": ["speaker", "data"]},
        "best": {"class": "eval", "from": "sum", "eval": "source(0) > 0", "out_type": {"dtype": "bool"}, "is_output_layer": True},
        "labels": {"class": "copy", "from": "data:align", "is_output_layer": True},
        "number": {"class": "activation", "activation": "exp", "from": "data:number", "is_output_layer": True},
        "both": {"class": "copy", "from": ["speaker", "sum"], "dropout": 0.2},
        "output": {"class": "softmax", "from": "both", "loss": "ce", "target": "align"},
    },
    "topic": {"output": {"class": "softmax", "from": "data:speaker", "loss": "ce", "target": "topic"}},
}  # fmt: skip


class Recorder(dict):
    """A dict that records which keys were read."""

    def __init__(self, values):
        super().__init__(values)
        self.used = set()

    def __getitem__(self, key):
        self.used.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_match_their_templates(name, compiled, extern_data, random_params, random_batch):
    import tensorflow as tf

    spec = describe(NETWORKS[name], extern_data)
    params = Recorder(random_params(spec))
    data, lengths = random_batch([3, 0, 5])
    data = {key: data[key] for key in uses_streams(spec)}  # no other stream is needed
    lengths = {key: lengths[key] for key in data if key in lengths}

    def check(data, lengths):
        output = run_network(spec, params, data, lengths, train=True, step=tf.constant(1, tf.int64))
        assert set(output.layers) == set(spec.layers)
        for layer, tensor in output.layers.items():
            template = spec.layers[layer].template
            assert tensor.template == template
            assert set(tensor.axes) == set(template.axes)
            assert tensor.value.dtype.name == template.dtype
            assert tensor.value.shape.rank == len(template.axes)
            for axis, size in zip(tensor.axes, tensor.value.shape, strict=True):
                assert axis.size is None or size == axis.size
                assert axis not in output.lengths or compiled or size == max(output.lengths[axis])
        assert set(output.losses) == set(spec.losses)
        for loss in output.losses.values():
            assert all(value.dtype == tf.float32 and value.shape == [] for value in loss)
        return True

    if compiled:
        signature = [
            {key: tf.TensorSpec([None] * x.ndim if x.ndim < 2 else [None] * (x.ndim - 1) + [x.shape[-1] if key in ("data", "speaker") else None], x.dtype) for key, x in values.items()}
            for values in (data, lengths)
        ]  # fmt: skip
        check = tf.function(check, input_signature=signature, autograph=False)
    check(data, lengths)
    assert params.used == set(params)


def test_frozen_parameters_train_without_a_warning(extern_data, random_params, random_batch):
    import tensorflow as tf

    net = {
        "frozen": {"class": "rec", "n_out": 3, "trainable": False},
        "output": {"class": "softmax", "from": "frozen", "loss": "ce", "target": "align", "trainable": np.bool_(True)},
    }
    spec = describe(net, extern_data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        variables = {
            path: tf.Variable(value, trainable=spec.params[path].trainable)
            for path, value in random_params(spec).items()
        }
        with tf.GradientTape() as tape:
            loss = run_network(spec, variables, *random_batch([3, 2])).losses["output"].cost
    assert {variable.ref() for variable in tape.watched_variables()} == {
        variables[path].ref() for path in ("output/W", "output/b")
    }
    assert all(gradient is not None for gradient in tape.gradient(loss, tape.watched_variables()))


# All layer classes, in all modes, inside and outside of loops


def disagreements(tensor, template):
    """Yields each contradiction between a tensor and its template."""
    if set(tensor.axes) != set(template.axes) or tensor.template != template:
        yield f"axes {tensor.axes}"
    if tensor.value.dtype.name != template.dtype or tensor.value.shape.rank != len(template.axes):
        yield f"{tensor.value.dtype.name} {tensor.value.shape}"
    for axis, size in zip(tensor.axes, tensor.value.shape, strict=True):
        if axis.size is not None and size != axis.size:
            yield f"{axis} of size {size}"


def batch_of(lengths: dict, seed: int = 0) -> dict:
    rng, data = np.random.default_rng(seed), {}
    for key, stream in every_layer.EXTERN_DATA.items():
        shape = [3] if key == "speaker" else [3, max(lengths[key])]
        dim = stream["dim"]
        data[key] = (
            rng.integers(0, dim, shape) if stream.get("sparse") else rng.normal(size=[*shape, dim]).astype("float32")
        )
    return data


@pytest.mark.parametrize("mode", ["train", "eval", "search"])
@pytest.mark.parametrize("name", [*every_layer.NETWORKS, "search"])
def test_all_layers_match_their_templates_in_all_modes_and_within_loops(name, mode, random_params, monkeypatch):
    from boulder.network.loop.body_run import BodyRun

    network = every_layer.SEARCH if name == "search" else every_layer.NETWORKS[name]
    if mode == "search" and name == "attention":
        with pytest.raises(NetworkError, match="the number of frames is unknown"):
            describe(network, every_layer.EXTERN_DATA, mode)
        return
    spec, found, of_frame = describe(network, every_layer.EXTERN_DATA, mode), [], BodyRun.compute

    def compute(self, *args):
        outputs, kept = of_frame(self, *args)
        for inner in (inner for inner in self.run.inner if not inner.name.endswith(":loop")):
            found.extend(f"{inner.name}: {problem}" for problem in disagreements(outputs[inner.name], inner.template))
        return outputs, kept

    monkeypatch.setattr(BodyRun, "compute", compute)
    params, lengths = Recorder(random_params(spec)), {"data": [4, 2, 3], "dense": [5, 1, 4], "classes": [3, 1, 2]}
    lengths["align"] = lengths["dense"]
    rates = ScheduledNumbers(rates_of(spec)).read_rates()  # as in a training: each layer finds its own
    train, losses = mode == "train", mode != "search"
    output = run_network(spec, params, batch_of(lengths), lengths, train=train, losses=losses, rates=rates)
    for layer, tensor in output.layers.items():
        found.extend(f"{layer}: {problem}" for problem in disagreements(tensor, spec.layers[layer].template))
    assert found == []
    assert set(output.layers) == {layer for layer in spec.layers if not layer.endswith(":loop")}
    assert set(output.losses) == (set(spec.losses) if mode != "search" else set())
    assert params.used == set(params)
