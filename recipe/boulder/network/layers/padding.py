"""`pad`: entries before the first and after the last one of an axis; `fill_unused`: a number in the padding of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.taking import length_of, taken, without_padding
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("pad")
@dataclass(frozen=True, kw_only=True)
class Pad(FurtherSources):
    """The input with more entries at both ends of axes.

    Those after a sequence follow its last frame, whatever `handle_dynamic_dims` says. RETURNN: PadLayer, which with False,
    the default before behavior version 21, puts them behind the longest sequence.

    :param axes: an axis or a list of axes, see `boulder.network.axis_names`
    :param padding: number of entries at both ends; a pair for both ends; or a list of pairs, one for each axis
    :param out_dims: `Dim`s of the axes afterwards
    :param handle_dynamic_dims: has no effect, see above
    :param value: of the new entries: a number, or a layer that gives one
    :param mode: "constant": `value`; "reflect": the entries mirrored at the last one; "symmetric": mirrored behind the last
        one; "replication": the last one
    """

    further: ClassVar[tuple[str, ...]] = ("value",)
    axes: object
    padding: int | list[object]
    out_dims: NetDim | list[NetDim] | None = None
    handle_dynamic_dims: bool | None = None
    value: float | str = 0
    mode: Literal["constant", "reflect", "symmetric", "replication", "replicate"] = "constant"

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        for name, value in self.divided(site.sources)[1].values():
            if value.axes:
                raise site.fail(f"'value' must be a single number, but {name!r} is {value}")
        for axis, before, after in self._padded(template, site):
            template = template.with_axis_replaced(axis, _longer(axis, before, after, template))
        return template

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        template = self.site_of_input(site).input()
        dims = [self.out_dims] if isinstance(self.out_dims, NetDim) else self.out_dims or []
        axes = [output.axes[template.axes.index(axis)] for axis, *_ in self._padded(template, site)]
        if dims and len(dims) != len(axes):
            raise site.fail(f"'out_dims' must be {len(axes)} Dims, found {len(dims)}")
        return [*super().named_axes(site, output), *zip(dims, axes, strict=False)]

    def _padded(self, template: Template, site: Site) -> list[tuple[Axis, int, int]]:
        """:return: axis, number of entries before it, number of entries after it"""
        names = self.axes if isinstance(self.axes, list | tuple) else [self.axes]
        axes = [find_axis(template, name, site) for name in names]
        if len(set(axes)) < len(axes) or any(axis.kind == BATCH for axis in axes):
            raise site.fail(f"'axes' must name different axes of {template} except the batch, found {self.axes!r}")
        sizes = self._sizes(len(axes))
        if sizes is None:
            raise site.fail(
                f"'padding' must be a number of entries, a pair, or a list of pairs for the {len(axes)} axes, found {self.padding!r}"
            )
        return [(axis, *ends) for axis, ends in zip(axes, sizes, strict=True)]

    def _sizes(self, count: int) -> list[tuple[int, int]] | None:
        given: Any = self.padding
        if isinstance(given, int):
            given = (given, given)
        pairs = list(given) if given and isinstance(given[0], list | tuple) else [given] * count
        valid = len(pairs) == count and all(len(p) == 2 and all(_is_count(n) for n in p) for p in pairs)
        return [(p[0], p[1]) for p in pairs] if valid else None

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        value = named["value"].value if named else self.value
        template = x.template
        for axis, before, after in self._padded(template, self.site(run)):
            new = run.template.axes[template.axes.index(axis)]
            x = self._longer(run, x, axis, new, before, after, value)
        return x.made(x.value, x.axes, run.template)

    def _longer(
        self, run: LayerRun, x: Tensor, axis: Axis, new: Axis, before: int, after: int, value: TFTensor
    ) -> Tensor:
        if axis.size is None:
            run.set_length_from(new, axis, lambda n: n + before + after)
        own = run.length_axes(axis) if axis.size is None else ()
        n = length_of(run, axis, own)[..., None]
        index = tf.range(run.shape([new])[0]) - before + tf.zeros_like(n)
        valid = (index >= 0) & (index < n)
        if self.mode != "constant":
            index, valid = self._mirrored(index, n), valid | (n > 0)
        return x.made(*taken(x, axis, index, (*own, new), valid, value), x.template)

    def _mirrored(self, index: TFTensor, n: TFTensor) -> TFTensor:
        """
        :param n: int32, number of entries
        :return: the entry whose value has the place `index`, which is negative before the first entry
        """
        last = tf.maximum(0, n - 1)
        if self.mode in ("replication", "replicate"):
            return tf.clip_by_value(index, 0, last)
        if self.mode == "symmetric":
            place = tf.math.floormod(index, tf.maximum(1, 2 * n))
            return tf.clip_by_value(tf.minimum(place, 2 * n - 1 - place), 0, last)
        place = tf.math.floormod(index, tf.maximum(1, 2 * last))
        return tf.clip_by_value(tf.minimum(place, 2 * last - place), 0, last)


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _longer(axis: Axis, before: int, after: int, template: Template) -> Axis:
    if not before + after:
        return axis
    if axis.size is not None:
        return resized(axis, axis.size + before + after, template)
    axis = axis.derived("prefix", before) if before else axis
    return axis.derived("postfix", after) if after else axis


@layer_class("fill_unused")
@dataclass(frozen=True, kw_only=True)
class FillUnused(ConcatLayer):
    """The input with a number in the padding of the batch. RETURNN: FillUnusedMemoryLayer, which TensorFlow 2 refuses.

    :param fill_value: the number
    """

    fill_value: float = 0.0

    def spec(self, site: Site) -> Template:
        return site.input()

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        return without_padding(run, x, value=self.fill_value)
