"""Registries of layer classes, losses and units."""

import pytest

from boulder.errors import NetworkError
from boulder.network.layer import LAYERS
from boulder.network.loss import LOSSES
from boulder.network.registry import Registry


def test_a_name_cannot_be_registered_twice():
    registry = Registry("layer class", "class")
    registry.register("gain")(type("Gain", (), {}))
    with pytest.raises(NetworkError, match="layer class 'gain' is registered twice"):
        registry.register("gain")(type("OtherGain", (), {}))
    assert registry["gain"].__name__ == "Gain"


@pytest.mark.parametrize(
    ("registry", "name", "meant"),
    [
        (LAYERS, "LSTM", "'rec' with 'unit': 'lstm'"),
        (LAYERS, "blstm", "two layers 'rec', with 'direction' 1 and -1"),
        (LAYERS, "dense", "'linear'"),
        (LAYERS, "add", "'combine' with 'kind': 'add'"),
        (LAYERS, "liner", "'linear'"),
        (LOSSES, "CrossEntropy", "'ce'"),
    ],
)
def test_a_name_of_another_toolkit_leads_to_the_name_here(registry, name, meant):
    with pytest.raises(NetworkError, match=rf"unknown .* '{name}'; did you mean {meant}\?$"):
        registry.find(name, "layer 'x'")


@pytest.mark.parametrize("registry", [LAYERS, LOSSES])
def test_only_names_that_mean_nothing_here_are_explained(registry):
    assert not registry.foreign.keys() & registry.keys()


def test_the_names_found_in_the_files_are_those_that_they_register():
    import boulder.network.layers  # noqa: F401 (looks for the names)

    assert {name: cls.__module__ for name, cls in LAYERS.items()} == LAYERS._modules
