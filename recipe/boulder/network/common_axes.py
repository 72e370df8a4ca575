"""Several tensors with their axes in one order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from boulder.lazy import TFTensor, tf
from boulder.network import template as templates
from boulder.network.axes import FEATURE, Axis
from boulder.network.tensor import Tensor


def broadcast_axes(sources: Sequence[Tensor]) -> tuple[Axis, ...]:
    """:return: the axes of all sources in one order, the feature axis last"""
    template = templates.broadcast([source.template for source in sources], apart=True)  # the spec half has checked it
    feature, outer = template.feature, _outer_axes(sources)
    spatial = [axis for axis in template.axes if axis.dim and axis.kind != FEATURE and axis not in outer]
    outer = tuple(axis for axis in (*outer, *spatial) if not feature or axis.identity != feature.identity)
    return (*outer, feature) if feature else outer


def aligned(sources: Sequence[Tensor]) -> list[TFTensor]:
    """:return: values with the dimensions `broadcast_axes(sources)`, of size 1 where a source lacks an axis"""
    axes = broadcast_axes(sources)
    return [source.ordered(own_axes(source, axes)) for source in sources]


def own_axes(source: Tensor, axes: Sequence[Axis]) -> list[Axis]:
    """:return: `axes` with the feature axis of the source, possibly of size 1 or without a name, in place of theirs"""
    feature = next((axis for axis in axes if axis.kind == FEATURE), None)
    own = source.template.feature
    replaced = {feature: own} if own and own.identity not in {axis.identity for axis in axes} else {}
    return [replaced.get(axis, axis) for axis in axes]


def concatenated(sources: Sequence[Tensor]) -> Tensor:
    """
    Concatenates tensors along the feature axis.

    :param sources: each with a feature axis of static size
    """
    template, outer = templates.concatenated(source.template for source in sources), _outer_axes(sources)
    # feature axes of different sizes are different axes, so each source is asked for its own
    values = [source.ordered([*outer, source.template.required(FEATURE)]) for source in sources]
    if any(len(source.axes) <= len(outer) for source in sources):
        shape = reduce(tf.broadcast_dynamic_shape, [tf.shape(value)[:-1] for value in values])
        values = [tf.broadcast_to(value, tf.concat([shape, [value.shape[-1]]], 0)) for value in values]
    return Tensor(tf.concat(values, axis=-1), (*outer, template.required(FEATURE)), template)


def static_size(axis: Axis, sources: Sequence[Tensor]) -> int | None:
    """:return: number of entries along `axis`, if it is known while the graph is built"""
    if axis.size is not None:
        return axis.size
    sizes = (source.value.shape[source.axes.index(axis)] for source in sources if axis in source.axes)
    return next((size for size in sizes if size is not None), None)


def _outer_axes(sources: Sequence[Tensor]) -> tuple[Axis, ...]:
    """:return: the axes of all sources except the feature axis, in the order of the source with most axes, to transpose little"""
    widest = max(sources, key=lambda source: len(source.axes))
    return tuple(dict.fromkeys(a for source in (widest, *sources) for a in source.axes if a.kind != FEATURE))
