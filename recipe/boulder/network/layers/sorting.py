"""`top_k`: the largest entries along axes, and their numbers; `search_sorted`: places in a sorted sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, Axis
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("top_k")
@dataclass(frozen=True, kw_only=True)
class TopK(Layer):
    """The k largest entries along an axis, or along several together, along a new spatial axis, which is the last one.

    Entries that a sequence does not have are the least number of the type. The numbers of the entries along the axis are `LAYER/indices`, or `LAYER/indices0`, `LAYER/indices1`, … for several axes.
    RETURNN: TopKLayer.

    :param axis: an axis or a list of axes, see `boulder.network.axis_names`
    :param k: number of entries, or a layer `constant` with it
    :param k_dim: `Dim` of the new axis
    :param sorted: whether the largest entry comes first
    """

    axis: object
    k: int | str
    k_dim: NetDim | None = None
    sorted: bool = True

    def spec(self, site: Site) -> Template:
        template, axes = self._of_source(site)
        return self.kept(template, axes, self.count(site))

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *([self.k] if isinstance(self.k, str) else []))

    def count(self, site: Site) -> int:
        """:return: `k`"""
        if isinstance(self.k, int):
            return self.k
        name, template = site.sources[-1]
        layer = site.layer_of(name)
        value = layer.initializer() if layer else None
        if not isinstance(value, int | float) or value != int(value):
            raise site.fail(f"'k' must be an int, or a layer 'constant' with one, but {name!r} is {template}")
        return int(value)

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        named = [] if self.k_dim is None else [(self.k_dim, output.axes[-1])]
        return [*super().named_axes(site, output), *named]

    def _of_source(self, site: Site) -> tuple[Template, list[Axis]]:
        if len(super().source_names()) != 1:
            raise site.fail(f"takes one source, found {len(super().source_names())}")
        (_, template), k = site.sources[0], self.count(site)
        axes = self.axes(template, site)
        dynamic = [axis for axis in axes if axis.size is None]
        if any(axis.kind == BATCH for axis in axes) or (dynamic and len(axes) > 1):
            raise site.fail(
                f"'axis' must be one axis or static axes of each sequence, found {', '.join(map(str, axes))}"
            )
        if k < 1 or (not dynamic and k > prod(axis.known_size for axis in axes)):
            raise site.fail(f"'k' must be at least 1 and at most the number of entries, found {k} for {template}")
        if template.dtype == "bool":
            raise site.fail(f"needs numbers, but its input is {template}")
        return template, axes

    def axes(self, template: Template, site: Site) -> list[Axis]:
        names = self.axis if isinstance(self.axis, list | tuple) else [self.axis]
        axes = [find_axis(template, name, site) for name in names]
        if not axes or len(set(axes)) < len(axes):
            raise site.fail(f"'axis' must name different axes of {template}, found {self.axis!r}")
        return axes

    @staticmethod
    def kept(template: Template, axes: list[Axis], k: int) -> Template:
        rest = [axis for axis in template.axes if axis not in axes]
        return replace(template, axes=(*rest, unused(k, rest)))

    def compute(self, run: LayerRun, x: Tensor, *_: Tensor) -> Tensor:
        return self.found(run, x, self.axes(x.template, self.site(run, x)))[0]

    def found(self, run: LayerRun, x: Tensor, axes: list[Axis]) -> tuple[Tensor, Tensor]:
        """:return: the entries; and their numbers along the axes, merged"""
        rest, new = [axis for axis in x.axes if axis not in axes], run.template.axes[-1]
        value = x.ordered([*rest, *axes])
        if axes[0].size is None and axes[0].kind in DYNAMIC:
            mask = run.mask_over([*rest, *axes], axes[0])
            least = value.dtype.min
            value = tf.where(mask, value, tf.constant(least, value.dtype))
            missing = tf.maximum(0, new.known_size - tf.shape(value)[-1])
            value = tf.pad(
                value, [*([[0, 0]] * len(rest)), [0, missing]], constant_values=tf.constant(least, value.dtype)
            )
        value = tf.reshape(value, tf.concat([tf.shape(value)[: len(rest)], [-1]], 0))
        values, numbers = tf.nn.top_k(value, new.known_size, sorted=self.sorted)
        result = (*rest, new)
        return Tensor(values, result, run.template), Tensor(numbers, result, run.template)

    def parts(self, own: str) -> Mapping[str, Layer]:
        if not isinstance(self.axis, list | tuple):
            return {"indices": Indices(sources=list(self.source_names()), whole=self)}
        return {
            f"indices{i}": Indices(sources=list(self.source_names()), whole=self, number=i)
            for i in range(len(self.axis))
        }


@dataclass(frozen=True, kw_only=True)
class Indices(Layer):
    """The numbers of the largest entries along an axis. No net dict names this class.

    :param whole: the layer that finds the entries
    :param number: number of the axis among those of the layer
    """

    class_name = "top_k"

    whole: TopK
    number: int = 0

    def spec(self, site: Site) -> Template:
        _, template = site.sources[0]
        axes = self.whole.axes(template, site)
        return replace(
            self.whole.kept(template, axes, self.whole.count(site)), dtype="int32", sparse_dim=axes[self.number].size
        )

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        return self.whole.named_axes(site, output)

    def compute(self, run: LayerRun, x: Tensor, *_: Tensor) -> Tensor:
        axes = self.whole.axes(x.template, self.site(run, x))
        numbers = self.whole.found(run, x, axes)[1]
        after = prod(axis.known_size for axis in axes[self.number + 1 :])
        value = numbers.value // after
        return numbers.made(
            value if self.number == 0 else value % axes[self.number].known_size, numbers.axes, run.template
        )


@layer_class("search_sorted")
@dataclass(frozen=True, kw_only=True)
class SearchSorted(Layer):
    """For each value the number of entries of a sorted sequence that come before it. RETURNN: SearchSortedLayer.

    :param sorted_sequence: layer, in ascending order along `axis`
    :param values: layer with the other axes of `sorted_sequence`
    :param axis: axis of `sorted_sequence`, see `boulder.network.axis_names`
    :param side: "left": entries less than the value; "right": entries up to it
    """

    sources: str | list[str] = field(default_factory=list)
    sorted_sequence: str
    values: str
    axis: object = "T"
    side: Literal["left", "right", "LEFT", "RIGHT"] = "left"

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), self.sorted_sequence, self.values)

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 2:
            raise site.fail(f"takes no source in 'from', found {len(site.sources) - 2}")
        (_, ordered), (_, values) = site.sources
        axis = find_axis(ordered, self.axis, site)
        outer = [a for a in ordered.axes if a != axis]
        if axis.kind == BATCH or not set(outer) <= set(values.axes):
            raise site.fail_sources("'values' must have all axes of 'sorted_sequence' but the sorted one")
        if ordered.dtype != values.dtype or ordered.dtype not in ("int32", "int64", "float32"):
            raise site.fail_sources("'sorted_sequence' and 'values' must be numbers of the same type")
        return Template(
            tuple(a for a in values.axes if a.kind != FEATURE) + tuple(a for a in values.axes if a.kind == FEATURE),
            "int32",
        )

    def compute(self, run: LayerRun, ordered: Tensor, values: Tensor) -> Tensor:
        axis = find_axis(ordered.template, self.axis, self.site(run, ordered, values))
        outer = [a for a in ordered.axes if a != axis]
        if axis.size is None:
            outer = list(dict.fromkeys([*outer, *(a for a in run.length_axes(axis) if a in values.axes)]))
        rest = [a for a in values.axes if a not in outer]
        sequence = ordered.ordered([*outer, axis])
        if axis.size is None and axis.kind in DYNAMIC:
            sequence = tf.where(
                run.mask_over([*outer, axis], axis), sequence, tf.constant(sequence.dtype.max, sequence.dtype)
            )
        wanted = values.ordered([*outer, *rest])
        count = tf.reduce_prod(tf.shape(wanted)[: len(outer)])
        sizes = tf.shape(sequence)[-1:]
        sequence = tf.broadcast_to(sequence, tf.concat([tf.shape(wanted)[: len(outer)], sizes], 0))
        found = tf.searchsorted(
            tf.reshape(sequence, tf.concat([[count], sizes], 0)),
            tf.reshape(wanted, [count, tf.reduce_prod(tf.shape(wanted)[len(outer) :])]),
            self.side.lower(),
        )
        found = tf.reshape(found, tf.shape(wanted))
        if axis.size is None and axis.kind in DYNAMIC:
            found = tf.minimum(found, run.length_over([*outer, *rest], axis))
        return Tensor(found, (*outer, *rest), run.template)
