"""The same network here and in RETURNN: same parameters, same ragged batch → same outputs, losses and gradients."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from boulder.network import describe, run_network, uses_streams
from boulder.network.axes import BATCH, FEATURE


def ragged_batch(extern_data: dict, lengths: dict, seed: int = 1) -> dict:
    """:return: key → array [B, T, …], random; in the padding, too"""
    rng = np.random.default_rng(seed)
    data = {}
    for key, stream in extern_data.items():
        shape = [len(lengths[key]), max(lengths[key])]
        if stream.get("sparse"):
            data[key] = rng.integers(0, stream["dim"], shape).astype("int32")
        else:
            data[key] = rng.normal(size=[*shape, stream["dim"]]).astype("float32")
    return data


def random_params(spec, seed: int = 2, scale: float = 0.5) -> dict:
    rng = np.random.default_rng(seed)
    return {path: (rng.normal(size=p.shape) * scale).astype("float32") for path, p in sorted(spec.params.items())}


def case(network: dict, extern_data: dict, lengths: dict, layers=("output",), scale: float = 0.5) -> dict:
    """:return: what `returnn` is asked"""
    spec = describe(network, extern_data)
    lengths = {key: np.array(value, "int32") for key, value in lengths.items()}
    return {
        "kind": "network", "net": network, "extern_data": extern_data, "params": random_params(spec, scale=scale),
        "data": ragged_batch(extern_data, lengths), "lengths": lengths, "layers": tuple(layers),
    }  # fmt: skip


def compare(asked: dict, found: dict, rtol: float = 1e-5) -> None:
    """
    :param asked: a `case`
    :param found: RETURNN's answer
    :param rtol: of the largest entry of each array
    """
    assert "error" not in found, found
    spec = describe(asked["net"], asked["extern_data"])
    assert {path: param.shape for path, param in spec.params.items()} == found["shapes"]
    variables = {path: tf.Variable(value) for path, value in asked["params"].items()}
    with tf.GradientTape() as tape:
        result = run_network(spec, variables, asked["data"], asked["lengths"])
        objective = sum(_in_objective(spec.losses[name], loss) for name, loss in result.losses.items())
    gradients = tape.gradient(objective, variables, unconnected_gradients="zero") if spec.losses else {}
    for name, (values, sizes) in found["outputs"].items():
        _close(*_valid(result, name, values, sizes), rtol, f"output of {name}")
    assert set(result.losses) == set(found["losses"])
    for name, expected in found["losses"].items():
        for what, value in expected.items():
            _close(np.asarray(getattr(result.losses[name], what)), np.asarray(value), rtol, f"{what} of {name}")
    largest = max((float(np.abs(gradient).max(initial=0)) for gradient in found["gradients"].values()), default=0)
    for path, expected in found["gradients"].items():
        ours = tf.convert_to_tensor(gradients[path]).numpy()
        _close(ours, expected, 5 * rtol, f"gradient of {path}", least=max(1e-3, largest / 100))


def search_cases(network: dict, extern_data: dict, lengths: dict, seeds, scale: float) -> list[dict]:
    """:return: what `returnn` is asked of a network with a layer `decision`, with other parameters for each of `seeds`"""
    one = case(network, extern_data, lengths, ("decision",)) | {"search": True}
    spec = describe(network, extern_data, "search")
    return [one | {"params": random_params(spec, seed, scale)} for seed in seeds]


def compare_search(asked: dict, found: dict) -> list[tuple]:
    """:return: the labels that both have found for each sequence"""
    assert "error" not in found, found
    spec = describe(asked["net"], asked["extern_data"], "search")
    params = {path: tf.constant(value) for path, value in asked["params"].items()}
    keys = uses_streams(spec, losses=False) | {"data"}
    data, lengths = ({key: value[key] for key in keys} for value in (asked["data"], asked["lengths"]))
    result = run_network(spec, params, data, lengths, losses=False)
    decision = result.layers["decision"]
    sizes = result.lengths[decision.template.time].numpy()
    labels = decision.ordered(decision.template.axes).numpy()
    expected, (expected_sizes,) = found["outputs"]["decision"]
    assert sizes.tolist() == expected_sizes.tolist()
    ours, theirs = ([tuple(row[:n]) for row, n in zip(all_, sizes, strict=True)] for all_ in (labels, expected))
    assert ours == theirs
    return ours


def _in_objective(spec, loss):
    return spec.scale * (loss.cost / loss.frames if spec.loss.use_normalized_loss else loss.cost)


def _valid(result, name: str, values: np.ndarray, sizes: list) -> tuple[np.ndarray, np.ndarray]:
    """:return: ours and RETURNN's, with the padding 0; axes as RETURNN has them: batch, time, …, feature last"""
    x = result.layers[name]
    axes = sorted(x.template.axes, key=lambda axis: (axis.kind == FEATURE, axis.kind != BATCH))
    ours = x.ordered(axes).numpy()
    assert ours.shape == values.shape, (name, ours.shape, values.shape, axes)
    mask = np.ones(ours.shape[:2], bool)
    if sizes:
        mask = np.arange(ours.shape[1])[None] < np.asarray(sizes[0])[:, None]
    mask = mask.reshape(mask.shape + (1,) * (ours.ndim - mask.ndim)) if ours.ndim >= 2 else True
    return np.where(mask, ours, 0), np.where(mask, values, 0)


def _close(ours: np.ndarray, expected: np.ndarray, rtol: float, what: str, least: float = 1e-3) -> None:
    """:param least: entries below it are compared as if they were that large: what is left of a difference of large numbers"""
    assert ours.shape == expected.shape, what
    largest = float(np.abs(expected.astype("float64")).max(initial=0.0))
    difference = float(np.abs(ours.astype("float64") - expected).max(initial=0.0))
    assert difference <= rtol * max(largest, least), (
        f"{what}: differs by {difference:g}, its largest entry is {largest:g}"
    )
