"""Registries of layer classes, losses and units."""

import pytest

from boulder.errors import NetworkError
from boulder.network.registry import Registry


def test_a_name_cannot_be_registered_twice():
    registry = Registry("layer class", "class")
    registry.register("gain")(type("Gain", (), {}))
    with pytest.raises(NetworkError, match="layer class 'gain' is registered twice"):
        registry.register("gain")(type("OtherGain", (), {}))
    assert registry["gain"].__name__ == "Gain"
