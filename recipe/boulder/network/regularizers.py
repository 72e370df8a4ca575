"""Terms of the objective that depend on the outputs of layers: `darc1` and `spatial_smoothing`."""

from __future__ import annotations

import math
from dataclasses import replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, FEATURE, TIME
from boulder.network.run_state import RunState
from boulder.network.site import Site
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_SMALLEST = 3  # rows and columns of the grid of `roughness`: a unit has eight different neighbours


def check_regularizers(site: Site, template: Template) -> None:
    """:raises NetworkError: if an option of the layer is below 0, or its output does not fit"""
    layer = site.layer
    for option in ("L2", "darc1", "spatial_smoothing", "param_variational_noise"):
        value = getattr(layer, option)
        if value is not None and value < 0:
            raise site.fail(f"{option!r} must be 0 or more, found {value}")
    if layer.param_dropout is not None:
        site.check_rate("param_dropout", layer.param_dropout)
    for option in ("darc1", "spatial_smoothing"):
        if not getattr(layer, option):
            continue
        if site.loop is not None or "/" in site.name:
            raise site.fail(f"{option!r} works for layers of the top level only, not in loops and subnetworks")
        if [axis.kind for axis in template.axes] != [BATCH, TIME, FEATURE] or template.dim is None:
            raise site.fail(f"{option!r} needs an output with the axes batch, time and feature, but it is {template}")
    if layer.spatial_smoothing and min(_grid(template.dim or 0)) < _SMALLEST:
        rows, columns = _grid(template.dim or 0)
        raise site.fail(
            f"'spatial_smoothing' arranges the {template.dim} units in a grid of {rows} by {columns}, but needs "
            f"{_SMALLEST} by {_SMALLEST} or more"
        )


def magnitudes(spec: NetworkSpec, state: RunState) -> dict[str, TFTensor]:
    """:return: layer with `darc1` → Σ over frames of |x| for its output x before the activation, float32 [units]"""
    return {
        name: tf.reduce_sum(tf.abs(_of_frames(state, layer, _before_activation(state, layer))), axis=[0, 1])
        for name, layer in spec.layers.items()
        if layer.layer.darc1
    }


def roughness(spec: NetworkSpec, state: RunState) -> dict[str, TFTensor]:
    """
    :return: layer with `spatial_smoothing` → Σ over frames and units of (x − mean of its eight neighbours)², a scalar. The
        units stand in a grid whose borders are joined (Xiong et al. 2016)
    """
    result = {}
    for name, layer in spec.layers.items():
        if layer.layer.spatial_smoothing:
            x = _of_frames(state, layer, state.outputs[name])
            grid = tf.reshape(x, tf.concat([tf.shape(x)[:2], _grid(x.shape[-1])], 0))
            steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
            neighbours = tf.add_n([tf.roll(grid, step, [2, 3]) for step in steps])
            result[name] = tf.reduce_sum(tf.square(grid - neighbours / len(steps)))
    return result


def _grid(units: int) -> tuple[int, int]:
    """:return: rows and columns, as square as possible"""
    columns = max((n for n in range(1, math.isqrt(units) + 1) if units % n == 0), default=1)
    return units // columns, columns


def _before_activation(state: RunState, layer: LayerSpec) -> Tensor:
    if not getattr(layer.layer, "activation", None):
        return state.outputs[layer.name]
    linear = replace(layer, layer=replace(layer.layer, activation=None))  # type: ignore[call-arg]  # it has this option
    sources = (state.output(source) for source in layer.sources)
    result: Tensor = linear.layer.compute(state.run(linear), *sources)  # type: ignore[assignment]  # it is no loop
    return result


def _of_frames(state: RunState, layer: LayerSpec, x: Tensor) -> TFTensor:
    """:return: [batch, time, units], 0 in the padding"""
    axes = layer.template.axes
    mask = state.lengths.mask_over(axes, layer.template.required(TIME))
    return tf.where(mask, x.ordered(axes), 0.0)
