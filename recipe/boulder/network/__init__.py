"""Net dict → NetworkSpec (pure Python) → outputs and losses (TensorFlow)."""

from boulder.network.describe import describe
from boulder.network.params import ParamSpec, Part
from boulder.network.run import NetworkOutput, run_network, uses_streams
from boulder.network.specs import LayerSpec, LossSpec, NetworkSpec, Placement

__all__ = [
    "LayerSpec", "LossSpec", "NetworkOutput", "NetworkSpec", "ParamSpec", "Part", "Placement", "describe", "run_network", "uses_streams",
]  # fmt: skip
