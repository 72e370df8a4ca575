"""Gives the axes of data streams and of layers' outputs the names of their `Dim`s."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from boulder.errors import NetworkError
from boulder.network.axes import BATCH, BEAM, LOOP, Axis, Batch
from boulder.network.dims import DimLike, Dims, Marked, NetDim, fitting
from boulder.network.template import Template
from boulder.schedule.functions import restore


def with_dims(streams: Mapping[str, Template], dims: Dims, extern_data: Mapping[str, Any]) -> dict[str, Template]:
    """
    :param streams: data stream → template
    :param extern_data: entries with `dim_tags`, as objects or in their plain form; or without
    :return: the templates with the names of the static axes. The `Dim`s of dynamic axes are bound
    :raises NetworkError: if `dim_tags` does not fit the template
    """
    result = dict(streams)
    for key in streams:
        entry = extern_data[key]
        options = entry if isinstance(entry, Mapping) else {}
        same = restore(options.get("same_dim_tags_as") or {})
        tags = [dims.of(tag) for tag in restore(list(options.get("dim_tags") or ())) if isinstance(tag, DimLike)]
        where = f"data stream {key!r}"
        if tags:
            result[key] = _with_tags(result[key], tags, where)
        for role, tag in same.items():
            axis = result[key].time if str(role).lower() in ("t", "time") else result[key].feature
            if axis is None:
                raise NetworkError(f"{where}: 'same_dim_tags_as' names the axis {role!r}, which {result[key]} lacks")
            result[key] = result[key].with_axis_replaced(axis, _of_stream(axis, dims.of(tag), where))
    return result


def _with_tags(template: Template, tags: list[NetDim], where: str) -> Template:
    inner = [axis for axis in template.axes if axis.kind != BATCH]
    tags_of_inner = [tag for tag in tags if tag.kind != BATCH]
    if len(tags) != len(template.axes) or len(tags_of_inner) != len(inner):
        raise NetworkError(f"{where}: 'dim_tags' are {tags}, but the stream is {template}")
    return replace(template, axes=(Batch, *map(partial(_of_stream, where=where), inner, tags_of_inner)))


def _of_stream(axis: Axis, tag: NetDim, where: str) -> Axis:
    """:return: the axis `tag`: streams with one `Dim` have one time axis, and sequences of the same lengths"""
    shared = axis.size is None and tag.axis is not None and tag.axis.size is None
    return tag.axis if shared and tag.axis else tag.defined(axis, where)


def named_axes(
    given: Iterable[tuple[NetDim, Axis | None]], out_shape: Collection[object] | None, output: Template, where: str
) -> dict[Axis, Axis]:
    """
    :param given: `Dim`s that a layer's options name, and axes of its output
    :param out_shape: all `Dim`s of the output; None: not given
    :param output: template of the output, as the layer computes it
    :return: axis of the output → the axis with its name, where they differ
    :raises NetworkError: if an axis does not fit its `Dim`
    """
    named: dict[Axis, Axis] = {}
    for dim, axis in given:
        if axis is None:
            raise NetworkError(f"{where}: {dim} names an axis that its output {output} lacks")
        named[axis] = dim.defined(axis, where)
    if out_shape is not None:
        _check_shape(out_shape, output, named, where)
    return {axis: new for axis, new in named.items() if new != axis}


def _check_shape(out_shape: Collection[object], output: Template, named: dict[Axis, Axis], where: str) -> None:
    """Checks that `out_shape` are the axes of the output. Axes that no other option names get their names from it."""
    if out_shape and isinstance(out_shape, dict):
        raise NetworkError(f"{where}: 'out_shape' must be a set of Dims, found a dict, {out_shape!r:.80}")
    axes = [named.get(axis, axis) for axis in output.axes if axis.kind not in (LOOP, BEAM)]
    wanted = {dim: dim for dim in out_shape if isinstance(dim, NetDim)}
    left = list(axes)
    for dim in list(wanted):
        found = [axis for axis in fitting(dim, left) if axis.dim or axis.size is None]
        if found:
            left.remove(found[0])
            del wanted[dim]
    for dim in list(wanted):
        fits = [axis for axis in left if not axis.dim and axis.size == dim.size and (axis.size or dim.axis is None)]
        if len(fits) == 1:
            named[fits[0]] = dim.defined(fits[0], where)
            left.remove(fits[0])
            del wanted[dim]
    optional = [axis for axis in left if any(m.dim.same_axis(axis) for m in out_shape if isinstance(m, Marked))]
    left = [axis for axis in left if axis not in optional]
    for marked in out_shape:
        if isinstance(marked, Marked) and marked.mark == "sparse" and marked.dim.size != output.sparse_dim:
            raise NetworkError(f"{where}: 'out_shape' has {marked.dim} as its classes, but its output is {output}")
    if wanted or left:
        more = ", ".join(map(str, wanted or left))
        raise NetworkError(
            f"{where}: 'out_shape' {'has also' if wanted else 'lacks'} {more}, but its output is {output}"
        )
