"""Keeps the padding out of functions that are infinite at some values, such as log, sqrt and division.

Of the 0 that a layer leaves in the padding, a logarithm makes -inf, and the gradient of a square root is infinite. Masked later,
0 · inf is nan in the gradients of all parameters before. So the padding of sources and of the result is 0 here, and no gradient
flows through it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from boulder.lazy import tf
from boulder.network.axes import DYNAMIC
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.tensor import Tensor


def guarded(layer: Layer, run: LayerRun, sources: list[Tensor]) -> Any:
    """:return: result of `layer.compute`"""
    if not layer.may_be_infinite:
        return layer.compute(run, *sources)
    result = layer.compute(run, *(without_padding(run, x) for x in sources))
    return without_padding(run, result) if isinstance(result, Tensor) else result


def without_padding(run: LayerRun, x: Tensor) -> Tensor:
    """:return: `x` with 0 in the padding, through which no gradient flows: not even one that is nan"""
    value = x.value
    for axis in x.axes:
        if axis.kind in DYNAMIC and not axis.size and {*run.length_axes(axis)} <= {*x.axes}:
            value = tf.where(run.mask_over(x.axes, axis), value, tf.zeros([], value.dtype))
    return x if value is x.value else replace(x, value=value)
