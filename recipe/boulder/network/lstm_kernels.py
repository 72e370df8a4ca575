"""Which kernels compute the LSTMs of a network over whole sequences, for the log of a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from boulder.counted import counted
from boulder.network.axes import LOOP, Axis
from boulder.network.loop.iterations import Iterations
from boulder.network.recurrent import Recurrent
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.units.cudnn_trial import remark
from boulder.network.units.lstm import Lstm


def lstm_kernels(spec: NetworkSpec, second_derivatives: bool = False) -> str:
    """
    :param second_derivatives: see `run_network`
    :return: one line, as "LSTM kernels: loop for 10 layers, fused for 2 layers"; "" if no layer runs an LSTM over whole sequences
    :raises NetworkError: for a kernel that cannot train on this machine
    """
    found: Counter[str] = Counter()
    for layer, unit, axis, is_in_loop in _lstms(spec):
        unit.check_device(f"layer {layer.name!r} ({layer.layer.class_name})")
        n = layer.template.dim or 0
        borrowed = [param for entry in layer.borrowed for param in spec.shared[layer.name, entry.name].values()]
        weights = sum(prod(param.shape) for param in (*layer.params, *borrowed) if len(param.shape) == 2)
        is_whole = not is_in_loop and axis.kind != LOOP
        found[unit.kernel_for(weights // (4 * n) - n, n, second_derivatives, is_whole)] += 1
    kernels = ", ".join(f"{kernel} for {counted(count, 'layer')}" for kernel, count in found.most_common())
    return "; ".join(filter(None, (f"LSTM kernels: {kernels}", remark()))) if kernels else ""


def _lstms(spec: NetworkSpec) -> Iterator[tuple[LayerSpec, Lstm, Axis, bool]]:
    """:return: layers that run an LSTM over whole sequences; the LSTM, along which axis, whether in the iterations of a loop"""

    def within(layer: LayerSpec, is_in_loop: bool) -> Iterator[tuple[LayerSpec, Lstm, Axis, bool]]:
        own = layer.layer.wrapped
        if isinstance(own, Recurrent) and layer.template.dim and (axis := own.sequence_axis(layer.template)):
            unit = own.recurrent_unit(layer.name)
            if isinstance(unit, Lstm):
                yield layer, unit, axis, is_in_loop
        for inner in layer.inner:
            yield from within(inner, is_in_loop or isinstance(own, Iterations))

    for layer in spec.layers.values():
        yield from within(layer, is_in_loop=False)
