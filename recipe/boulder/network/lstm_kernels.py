"""Which kernels compute the LSTMs of a network over whole sequences, for the log of a job."""

from __future__ import annotations

from collections import Counter
from math import prod

from boulder.counted import counted
from boulder.network.axes import LOOP
from boulder.network.recurrent import Recurrent
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.units.lstm import Lstm


def lstm_kernels(spec: NetworkSpec, second_derivatives: bool = False) -> str:
    """
    :param second_derivatives: see `run_network`
    :return: one line, as "LSTM kernels: loop for 10 layers, fused for 2 layers"; "" if no layer runs an LSTM over whole sequences
    """
    found: Counter[str] = Counter()
    for layer in (inner for outer in spec.layers.values() for inner in outer.with_inner()):
        own = layer.layer.wrapped
        if not isinstance(own, Recurrent) or own.given_state is not None or not _is_over_sequences(layer):
            continue
        unit, n = own.recurrent_unit(layer.name), layer.template.dim
        if isinstance(unit, Lstm) and n:
            borrowed = [param for entry in layer.borrowed for param in spec.shared[layer.name, entry.name].values()]
            weights = sum(prod(param.shape) for param in (*layer.params, *borrowed) if len(param.shape) == 2)
            found[unit.kernel_for(weights // (4 * n) - n, n, second_derivatives)] += 1
    kernels = ", ".join(f"{kernel} for {counted(count, 'layer')}" for kernel, count in found.most_common())
    return f"LSTM kernels: {kernels}" if kernels else ""


def _is_over_sequences(layer: LayerSpec) -> bool:
    return layer.template.time is not None or any(axis.kind == LOOP for axis in layer.template.axes)
