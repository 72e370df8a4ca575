"""Comparison of a network in Boulder and in RETURNN: outputs, losses and gradients from equal parameters and batches."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from boulder.network import describe, run_network, uses_streams
from boulder.network.axes import BATCH, FEATURE

tf.config.experimental.enable_op_determinism()  # as in jobs: some operations then have other gradients


def ragged_batch(extern_data: dict, lengths: dict, seed: int = 1) -> dict:
    """:return: key → array of shape (batch, time, …); random, also in the padding"""
    rng = np.random.default_rng(seed)
    data = {}
    for key, stream in extern_data.items():
        shape = [len(lengths[key]), max(lengths[key]), *stream.get("shape", ())[1:-1]]
        if stream.get("shape", (None,))[0] is not None:  # without time
            shape = [len(lengths[key]), *stream["shape"][:-1]]
        if stream.get("sparse"):
            data[key] = rng.integers(0, stream["dim"], shape).astype("int32")
        else:
            data[key] = rng.normal(size=[*shape, stream["dim"]]).astype("float32")
    return data


def random_params(spec, seed: int = 2, scale: float = 0.5) -> dict:
    """:return: path → array"""
    rng = np.random.default_rng(seed)
    return {path: (rng.normal(size=p.shape) * scale).astype("float32") for path, p in sorted(spec.params.items())}


def network_case(network: dict, extern_data: dict, lengths: dict, layers=("output",), scale: float = 0.5) -> dict:
    """
    :param layers: layers whose outputs are compared
    :param scale: standard deviation of the parameters
    :return: case for the fixture `returnn`, with random parameters and a random ragged batch
    """
    spec = describe(network, extern_data)
    lengths = {key: np.array(value, "int32") for key, value in lengths.items()}
    return {
        "kind": "network", "net": network, "extern_data": extern_data, "params": random_params(spec, scale=scale),
        "data": ragged_batch(extern_data, lengths), "lengths": lengths, "layers": tuple(layers),
    }  # fmt: skip


def run_cases(returnn, cases: dict) -> dict:
    """:return: key of `cases` → the case and RETURNN's result"""
    return {key: (case, result) for (key, case), result in zip(cases.items(), returnn([*cases.values()]), strict=True)}


def compare(case: dict, expected: dict, rtol: float = 1e-5, train: bool = False) -> None:
    """
    :param case: see `network_case`
    :param expected: RETURNN's result
    :param rtol: tolerance relative to the largest entry of each array
    :param train: whether Boulder computes the network as in training; RETURNN's does unless the case says otherwise
    """
    assert "error" not in expected, expected
    spec = describe(case["net"], case["extern_data"])
    assert {path: param.shape for path, param in spec.params.items()} == expected["shapes"]
    variables = {path: tf.Variable(value) for path, value in case["params"].items()}
    with tf.GradientTape() as tape:
        result = run_network(spec, variables, case["data"], case["lengths"], train=train)
        objective = sum(_objective_term(spec.losses[name], loss) for name, loss in result.losses.items())
    gradients = tape.gradient(objective, variables, unconnected_gradients="zero") if spec.losses else {}
    for name, (values, sizes) in expected["outputs"].items():
        _close(*_valid(result, name, values, sizes), rtol, f"output of {name}")
    assert set(result.losses) == set(expected["losses"])
    for name, terms in expected["losses"].items():
        for term, value in terms.items():
            _close(np.asarray(getattr(result.losses[name], term)), np.asarray(value), rtol, f"{term} of {name}")
    largest = max((float(np.abs(gradient).max(initial=0)) for gradient in expected["gradients"].values()), default=0)
    for path, gradient in expected["gradients"].items():
        ours = tf.convert_to_tensor(gradients[path]).numpy()
        _close(ours, gradient, 5 * rtol, f"gradient of {path}", least=max(1e-3, largest / 100))


def search_cases(network: dict, extern_data: dict, lengths: dict, seeds, scale: float) -> list[dict]:
    """:return: one search per seed, with random parameters; its result is the output of the layer `decision`"""
    case = network_case(network, extern_data, lengths, ("decision",)) | {"search": True}
    spec = describe(network, extern_data, "search")
    return [case | {"params": random_params(spec, seed, scale)} for seed in seeds]


def compare_search(case: dict, expected: dict) -> list[tuple]:
    """:return: labels of each sequence, which are equal in Boulder and RETURNN"""
    assert "error" not in expected, expected
    spec = describe(case["net"], case["extern_data"], "search")
    params = {path: tf.constant(value) for path, value in case["params"].items()}
    keys = uses_streams(spec, losses=False) | {"data"}
    data, lengths = ({key: value[key] for key in keys} for value in (case["data"], case["lengths"]))
    result = run_network(spec, params, data, lengths, losses=False)
    decision = result.layers["decision"]
    sizes = result.lengths[decision.template.time].numpy()
    labels = decision.ordered(decision.template.axes).numpy()
    expected_labels, (expected_sizes,) = expected["outputs"]["decision"]
    assert sizes.tolist() == expected_sizes.tolist()
    ours, theirs = ([tuple(row[:n]) for row, n in zip(all_, sizes, strict=True)] for all_ in (labels, expected_labels))
    assert ours == theirs
    return ours


def _objective_term(spec, loss):
    return spec.scale * (loss.cost / loss.frames if spec.loss.use_normalized_loss else loss.cost)


def _valid(result, name: str, values: np.ndarray, sizes: list) -> tuple[np.ndarray, np.ndarray]:
    """:return: Boulder's and RETURNN's output, with zeros in the padding and RETURNN's axes: batch, time, …, feature"""
    x = result.layers[name]
    axes = sorted(x.template.axes, key=lambda axis: (axis.kind == FEATURE, axis.kind != BATCH))
    ours = x.ordered(axes).numpy()
    if ours.shape != values.shape and sorted(ours.shape) == sorted(set(values.shape)):
        values = values.transpose([values.shape.index(size) for size in ours.shape])  # axes in another order
    assert ours.shape == values.shape, (name, ours.shape, values.shape, axes)
    mask = np.ones(ours.shape[:2], bool)
    if sizes:
        mask = np.arange(ours.shape[1])[None] < np.asarray(sizes[0])[:, None]
    mask = mask.reshape(mask.shape + (1,) * (ours.ndim - mask.ndim)) if ours.ndim >= 2 else True
    return np.where(mask, ours, 0), np.where(mask, values, 0)


def _close(ours: np.ndarray, expected: np.ndarray, rtol: float, name: str, least: float = 1e-3) -> None:
    """:param least: the tolerance is relative to at least this value, since smaller entries may be rounding errors"""
    assert ours.shape == expected.shape, name
    largest = float(np.abs(expected.astype("float64")).max(initial=0.0))
    difference = float(np.abs(ours.astype("float64") - expected).max(initial=0.0))
    assert difference <= rtol * max(largest, least), (
        f"{name} differs by {difference:g}; its largest entry is {largest:g}"
    )
