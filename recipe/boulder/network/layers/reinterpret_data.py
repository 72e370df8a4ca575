"""`reinterpret_data`: the same values with different axis roles, lengths or classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, FEATURE, OUTER, RENAMED, TIME, Axis, StaticTime
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.further_sources import FurtherSources
from boulder.network.in_padding import InPadding
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import as_feature, with_feature_at, with_time_at, with_time_first
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames

_KINDS = {
    "B": BATCH,
    "T": TIME,
    "F": FEATURE,
    "batch_dim_axis": BATCH,
    "time_dim_axis": TIME,
    "feature_dim_axis": FEATURE,
}


@layer_class("reinterpret_data")
@dataclass(frozen=True, kw_only=True)
class ReinterpretData(FurtherSources):
    """The same values as classes, as frames of another sequence, or with another axis as their features.

    RETURNN: ReinterpretDataLayer. It can also change the batch axis.

    :param switch_axes: "TF" swaps the roles of time and the feature axis
    :param size_base: layer or data stream whose dynamic axes replace those of the input, in order. Additional frames of
        the input, such as those of padded windows, are cut off
    :param batch_dim_base: has no effect: all layers have the same batch
    :param set_axes: role "F", "T" or "B", in any case, → axis that takes it, see `boulder.network.axis_names`; None: no axis
    :param set_dim_tags: axis → its new `Dim`; a `Dim` of another time axis must have the same lengths
    :param enforce_batch_major: an int in `set_axes` counts the batch first, which is the default, and so does the code of an
        `eval` that reads this layer
    :param enforce_time_major: the same with time first, then the batch
    :param set_sparse: whether the values are class indices
    :param set_sparse_dim: number of classes
    :param increase_sparse_dim: number of classes to add
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    further: ClassVar[tuple[str, ...]] = ("size_base", "batch_dim_base")
    switch_axes: str | list[str] | None = None
    size_base: str | None = None
    batch_dim_base: str | None = None
    set_axes: dict | None = None
    set_dim_tags: dict | None = None
    enforce_batch_major: bool = False
    enforce_time_major: bool = False
    set_sparse: bool | None = None
    set_sparse_dim: int | None = None
    increase_sparse_dim: int | None = None

    def spec(self, site: Site) -> Template:
        if self.enforce_batch_major and self.enforce_time_major:
            raise site.fail("'enforce_batch_major' and 'enforce_time_major' are mutually exclusive")
        template, time = self._described(site)
        template = with_time_first(template, time) if time else template
        for axis, (_, new) in self._tagged(template, site).items():
            template = template.with_axis_replaced(axis, new)
        return template

    def _described(self, site: Site) -> tuple[Template, Axis | None]:
        template = self.site_of_input(site).input()
        _, base = self.divided(site.sources)[1].get("size_base", (None, None))
        return self._reinterpreted(template, base, site)

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        return [*super().named_axes(site, output), *self._tagged(self._described(site)[0], site).values()]

    def _tagged(self, template: Template, site: Site) -> dict[Axis, tuple[NetDim, Axis]]:
        """:return: axis → its new `Dim`, and the axis of the output; a static one gets its name later"""
        result = {}
        for description, dim in (self.set_dim_tags or {}).items():
            axis = find_axis(template, description, site)
            if not isinstance(dim, NetDim):
                raise site.fail(f"'set_dim_tags' takes a Dim for an axis, found {dim!r}")
            if axis.kind == BATCH and dim.kind != BATCH:
                raise site.fail(f"'set_dim_tags' makes the batch {dim}, but sequences must not see each other")
            result[axis] = (dim, self._as(dim, axis))
        return result

    @staticmethod
    def _as(dim: NetDim, axis: Axis) -> Axis:
        """:return: the axis for `dim`; a dynamic axis for a new `Dim` is another axis of the same lengths"""
        if axis.size is not None:
            return replace(axis, dim="")
        return dim.axis or axis.derived(RENAMED, dim.name)

    def _reinterpreted(self, template: Template, base: Template | None, site: Site) -> tuple[Template, Axis | None]:
        """:return: the template with the new axes in the old order, and the axis that `set_axes` makes time"""
        template = self._switched(template, site)
        position = None  # of the new time axis
        for role, description in sorted((self.set_axes or {}).items()):
            kind = _KINDS.get(role.upper() if isinstance(role, str) and len(role) == 1 else role)
            if kind is None:
                raise site.fail(f"'set_axes' takes the keys 'B', 'T' and 'F', found {role!r}")
            axis = None if description is None else find_axis(self._as_counted(template, site), description, site)
            if kind == TIME and axis:
                position = template.axes.index(axis)
            template = self._with_role(template, kind, axis, site)
        for old, new in self._renamed_times(template, base, site).items():
            template = template.with_axis_replaced(old, new)
        return self._classes(template, site), None if position is None else template.axes[position]

    def _switched(self, template: Template, site: Site) -> Template:
        if not self.switch_axes:
            return template
        kinds = {_KINDS.get(role if len(role) > 1 else role.upper()) for role in self.switch_axes}
        time, feature = template.time, template.feature
        if kinds != {TIME, FEATURE}:
            raise site.fail(f"'switch_axes' can only swap time with the feature axis, found {self.switch_axes!r}")
        switched = {time: as_feature(time)} if time else {}
        if feature:
            switched[feature] = feature.as_time() if feature.is_dynamic_feature else StaticTime(feature.known_size)
        return replace(template, axes=tuple(switched.get(axis, axis) for axis in template.axes))

    def _as_counted(self, template: Template, site: Site) -> Template:
        if not self.enforce_time_major:
            return template
        if template.time is None:
            raise site.fail(f"'enforce_time_major' needs a time axis, but its input is {template}")
        rest = (axis for axis in template.axes if axis != template.time)
        return replace(template, axes=(template.time, *rest))

    @staticmethod
    def _with_role(template: Template, kind: str, axis: Axis | None, site: Site) -> Template:
        role = {BATCH: "B", TIME: "T", FEATURE: "F"}[kind]
        old = template.axis(kind)
        if axis == old:
            return template
        if kind == BATCH or (axis and axis.kind == BATCH):
            raise site.fail(f"'set_axes': the batch axis cannot change, so {role!r} cannot be {axis}")
        if kind == FEATURE:
            return with_feature_at(template, axis)
        if axis is None and old and old.size is None:
            raise site.fail(f"'set_axes': the dynamic axis {old} must stay a time axis")
        if axis and axis.is_dynamic_feature:
            return template.with_axis_replaced(axis, axis.as_time())
        if axis and axis.kind == FEATURE:
            raise site.fail(f"'set_axes': {axis} cannot also become time")
        return with_time_at(template, None if axis and axis.kind == TIME else axis)

    @staticmethod
    def _renamed_times(template: Template, base: Template | None, site: Site) -> dict[Axis, Axis]:
        """:return: dynamic axis of `template` → dynamic axis of `base` that replaces it"""
        if base is None:
            return {}
        old, new = ([axis for axis in t.axes if axis.kind == TIME and axis.size is None] for t in (template, base))
        if old and len(old) != len(new):
            raise site.fail(f"'size_base' must have as many dynamic axes as its input, {template}, but it is {base}")
        return dict(zip(old, new, strict=False))

    def _classes(self, template: Template, site: Site) -> Template:
        dim = template.sparse_dim
        if self.set_sparse is False:
            dim = None
        elif self.set_sparse and dim is None:
            if template.dtype.startswith("float"):
                raise site.fail(f"class indices must be integers, but its input is {template}")
            dim = self.set_sparse_dim or template.dim
            if dim is None:
                raise site.fail("'set_sparse' needs the number of classes in 'set_sparse_dim'")
            template = with_feature_at(template, None)
        if (self.set_sparse_dim or self.increase_sparse_dim) and dim is None:
            raise site.fail(f"cannot set the number of classes, since its input has none: {template}")
        dim = self.set_sparse_dim or dim
        return replace(template, sparse_dim=dim and dim + (self.increase_sparse_dim or 0))

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x, site = run.input(own), self.site(run)
        base = named["size_base"].template if "size_base" in named else None
        template, _ = self._reinterpreted(x.template, base, site)
        for old, new in self._renamed_times(x.template, base, site).items():
            axes = tuple(dict.fromkeys((*run.length_axes(old), *run.length_axes(new))))
            lengths = (run.length_over(axes, new), run.length_over(axes, old))
            tf.debugging.assert_less_equal(*lengths, f"layer {run.name!r}: 'size_base' has more frames than its input")
            x = _cut(x, old, run.frames(new))
        names = dict(zip(x.template.axes, template.axes, strict=True))
        for axis, (_, new) in self._tagged(template, site).items():
            if axis.size is None:
                run.set_length_from(new, axis, lambda n: n)
                x = replace(x, value=run.with_same_lengths(x.value, axis, new))
            names = {old: new if name == axis else name for old, name in names.items()}
        return self._in_order(x.renamed(names, run.template))

    def _in_order(self, x: Tensor) -> Tensor:
        """:return: `x` with the batch or the time first in memory, where code of an `eval` counts axes"""
        time = [x.template.time] if self.enforce_time_major else []
        if not (self.enforce_batch_major or time):
            return x
        outer = [axis for axis in x.axes if axis.kind in OUTER]
        outer.sort(key=lambda axis: axis.kind != BATCH)
        axes = tuple(dict.fromkeys(axis for axis in (*time, *outer, *x.axes) if axis is not None))
        logits = None if x.logits is None else x.ordered(axes, x.logits)
        return replace(x, value=x.ordered(axes), axes=axes, logits=logits)


def _cut(x: Tensor, time: Axis, frames: TFTensor) -> Tensor:
    """
    :param frames: int32 scalar
    :return: the first `frames` frames of `x` along `time`
    """

    def cut(value: TFTensor) -> TFTensor:
        return None if value is None else tf.gather(value, tf.range(frames), axis=x.axes.index(time))

    return replace(x, value=cut(x.value), logits=cut(x.logits))
