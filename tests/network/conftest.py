"""Fixtures that the tests of networks share."""

import os
from collections.abc import Callable

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture
def extern_data() -> dict:
    """Frames of features, labels of the frames, shorter label sequences, and a vector and a label per sequence."""
    return {
        "data": {"dim": 5},
        "letters": {"dim": 6, "sparse": True},
        "classes": {"dim": 3, "sparse": True},
        "align": {"dim": 4, "sparse": True},
        "number": {"shape": (None,)},
        "speaker": {"dim": 3, "shape": (3,), "time_dim_axis": None},
        "topic": {"dim": 4, "sparse": True, "time_dim_axis": None},
    }


@pytest.fixture
def random_params() -> Callable:
    """`random_params(spec)` returns float32 arrays by path."""

    def make(spec, seed: int = 0) -> dict:
        rng = np.random.default_rng(seed)
        return {path: rng.normal(0, 0.5, param.shape).astype("float32") for path, param in spec.params.items()}

    return make


@pytest.fixture
def random_batch() -> Callable:
    """`random_batch(lengths, seed)` returns data and lengths for `extern_data`; "classes" is about half as long."""

    def make(lengths, seed: int = 0) -> tuple[dict, dict]:
        rng, frames = np.random.default_rng(seed), np.asarray(lengths, "int32")
        batch, longest = len(frames), int(frames.max(initial=0))
        labels = (frames + 1) // 2
        data = {
            "data": rng.normal(size=(batch, longest, 5)).astype("float32"),
            "letters": rng.integers(0, 6, (batch, longest), "int32"),
            "classes": rng.integers(0, 3, (batch, int(labels.max(initial=0))), "int32"),
            "align": rng.integers(0, 4, (batch, longest), "int32"),
            "number": rng.normal(size=(batch, longest)).astype("float32"),
            "speaker": rng.normal(size=(batch, 3)).astype("float32"),
            "topic": rng.integers(0, 4, (batch,), "int32"),
        }
        return data, {"data": frames, "letters": frames, "classes": labels, "align": frames, "number": frames}

    return make


@pytest.fixture
def run(extern_data, random_params) -> Callable:
    """`run(net, data, lengths, …)` describes and runs a net dict with random parameters."""
    from boulder.network import describe, run_network

    def execute(net: dict, data: dict, lengths: dict, params: dict | None = None, **kwargs):
        spec = describe(net, extern_data)
        return run_network(spec, random_params(spec) if params is None else params, data, lengths, **kwargs)

    return execute


@pytest.fixture
def values() -> Callable:
    """`values(output, layer)` returns a layer's output as a NumPy array, with axes in the order of its template."""

    def get(output, layer: str = "output") -> np.ndarray:
        tensor = output.layers[layer]
        return np.asarray(tensor.ordered(tensor.template.axes))

    return get


@pytest.fixture
def check_output() -> Callable:
    """`check_output(network, extern_data, message)` asserts that `describe` raises this message about the layer `output`."""
    from boulder.errors import NetworkError
    from boulder.network import describe

    def check(network: dict, extern_data: dict, message: str) -> None:
        with pytest.raises(NetworkError) as caught:
            describe(network, extern_data)
        assert str(caught.value) == f"layer 'output' {message}"

    return check


@pytest.fixture
def check_message(extern_data) -> Callable:
    """`check_message(network, message)` asserts that `describe` raises exactly this message, without a visible cause."""
    from boulder.errors import NetworkError
    from boulder.network import describe

    def check(network, message: str) -> None:
        streams = extern_data | {"ints": {"dim": 5, "dtype": "int32"}, "unknown": {"shape": (None, None)}}
        with pytest.raises(NetworkError) as caught:
            describe(network, streams)
        assert str(caught.value) == message
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None or caught.value.__suppress_context__

    return check
