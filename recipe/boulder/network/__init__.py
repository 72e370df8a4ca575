"""Net dict → NetworkSpec (pure Python) → outputs and losses (TensorFlow)."""

from boulder.network.describe import LayerSpec, LossSpec, NetworkSpec, describe
from boulder.network.params import ParamSpec, Part
from boulder.network.run import NetworkOutput, run_network, uses_streams

__all__ = [
    "LayerSpec", "LossSpec", "NetworkOutput", "NetworkSpec", "ParamSpec", "Part", "describe", "run_network", "uses_streams",
]  # fmt: skip
