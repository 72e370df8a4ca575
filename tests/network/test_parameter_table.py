"""Parameter paths and shapes of all layer classes and units, against a table recorded from RETURNN.

tests/parity compares parameters_of_returnn.json with RETURNN itself, or records it again.
"""

import json
from pathlib import Path

import pytest

from boulder.network import describe
from boulder.network.layer import LAYERS

TABLE = json.loads(Path(__file__).with_name("parameters_of_returnn.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TABLE["cases"])
def test_parameters_have_returnns_paths_and_shapes(name):
    entry = TABLE["cases"][name]
    params = describe(entry["network"], TABLE["extern_data"]).params
    assert {path: list(param.shape) for path, param in params.items()} == entry["parameters"]


def test_every_layer_class_with_parameters_is_in_the_table():
    def classes(network):
        for options in network.values():
            yield options["class"]
            if isinstance(options.get("unit"), dict):
                yield from classes(options["unit"])

    in_table = {c for entry in TABLE["cases"].values() for c in classes(entry["network"])}
    on_gpu_only = {"twod_lstm"}  # in RETURNN
    assert {name for name, cls in LAYERS.items() if _declares_parameters(cls)} <= in_table | on_gpu_only


def _declares_parameters(cls) -> bool:
    """:return: whether the class or one of its bases calls `site.param`"""
    import inspect

    return any("site.param(" in inspect.getsource(c) for c in cls.__mro__ if c.__module__.startswith("boulder."))
