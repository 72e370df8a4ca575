"""`edit_distance` of two sequences; `edit_distance_table`, row by row in a loop; `optimal_completions` of its hypotheses.

Entry [i, j] of the table is the number of substitutions, insertions and deletions that make the first j labels of the target
of the first i labels of the source (Wagner and Fischer 1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, OUTER, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import without_axes
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("edit_distance")
@dataclass(frozen=True, kw_only=True)
class EditDistance(Layer):
    """The edit distance of two sequences of class indices, an int for each pair. RETURNN: EditDistanceLayer.

    :param a: layer with a sequence
    :param b: layer with the other one
    :param a_spatial_dim: time axis of `a`, see `boulder.network.axis_names`; None: "T"
    :param b_spatial_dim: time axis of `b`
    """

    sources: str | list[str] = field(default_factory=list)
    a: str
    b: str
    a_spatial_dim: object = None
    b_spatial_dim: object = None

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), self.a, self.b)

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 2:
            raise site.fail(f"takes no source in 'from', found {len(site.sources) - 2}")
        templates = [template for _, template in site.sources]
        rest = [without_axes(t, [axis]) for t, axis in zip(templates, self._times(templates, site), strict=True)]
        if {t.sparse_dim for t in templates} - {templates[0].sparse_dim} or templates[0].sparse_dim is None:
            raise site.fail_sources("needs sequences of the same classes")
        if any(set(t.axes) - set(rest[0].axes) or any(a.kind not in OUTER for a in t.axes) for t in rest):
            raise site.fail_sources("needs a sequence of class indices for each sequence of the batch")
        return Template(rest[0].axes, "int32")

    def _times(self, templates: Sequence[Template], site: Site) -> list[Axis]:
        names = (self.a_spatial_dim, self.b_spatial_dim)
        axes = [find_axis(t, name or "T", site) for t, name in zip(templates, names, strict=True)]
        if any(axis.kind != TIME for axis in axes):
            raise site.fail_sources("needs two time axes")
        return axes

    def compute(self, run: LayerRun, a: Tensor, b: Tensor) -> Tensor:
        outer = run.template.axes
        times = self._times([a.template, b.template], self.site(run, a, b))
        found, truth = (_sparse(run, x, outer, time) for x, time in zip((a, b), times, strict=True))
        distance = tf.edit_distance(found, truth, normalize=False)
        return run.tensor(tf.reshape(tf.cast(distance, tf.int32), run.shape(outer)), outer, run.template)


def _sparse(run: LayerRun, x: Tensor, outer: Sequence[Axis], time: Axis) -> TFTensor:
    """:return: tf.SparseTensor [N, T], where N are the axes `outer`, merged"""
    values = tf.broadcast_to(x.ordered([*outer, time]), run.shape([*outer, time]))
    values = tf.reshape(values, [tf.reduce_prod(run.shape(outer)), tf.shape(values)[-1]])
    mask = tf.broadcast_to(run.mask_over([*outer, time], time), run.shape([*outer, time]))
    where = tf.where(tf.reshape(mask, tf.shape(values)))
    return tf.SparseTensor(where, tf.gather_nd(tf.cast(values, tf.int64), where), tf.shape(values, out_type=tf.int64))


@dataclass(frozen=True, kw_only=True)
class _OfTarget(Layer):
    reads_own_target: ClassVar[bool] = True

    blank_idx: int | None = None
    debug: bool = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        target = () if self.target is None else (f"target:{self.target}",)
        return (*self.source_names(), *target)

    def checked_target(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("works step by step and must be in a loop")
        if self.target is None:
            raise site.fail("needs a 'target'")
        if len(site.sources) != 2:
            raise site.fail(f"takes one source, found {len(site.sources) - 1}")
        name, target = site.sources[1]
        if target.sparse_dim is None or target.time is None:
            raise site.fail(
                f"'target' must be a whole sequence of class indices, as \"layer:base:data:classes\", but {name!r} is {target}"
            )
        return target

    def classes(self, target: Template) -> int:
        """:return: number of classes, with the blank"""
        return max(target.sparse_dim or 0, -1 if self.blank_idx is None else self.blank_idx + 1)


@layer_class("edit_distance_table")
@dataclass(frozen=True, kw_only=True)
class EditDistanceTable(_OfTarget):
    """The row of the table after the labels so far, [batch, target time + 1], in a loop over labels.

    RETURNN: EditDistanceTableLayer. There the row of a hypothesis that has ended stays.

    :param target: the whole target sequence, as "layer:base:data:classes"
    :param axis: has no effect: it works label by label
    :param blank_idx: label that changes nothing
    :param debug: has no effect
    """

    axis: object = None

    def one_by_one(self, mode: str) -> bool:
        return True

    def spec(self, site: Site) -> Template:
        target = self.checked_target(site)
        name, labels = site.sources[0]
        if labels.sparse_dim != self.classes(target) or any(axis.kind not in OUTER for axis in labels.axes):
            raise site.fail(f"needs one of {self.classes(target)} labels per sequence, but {name!r} is {labels}")
        outer = dict.fromkeys([*labels.axes, *(axis for axis in target.axes if axis.kind in OUTER)])
        return Template((*outer, _row(target)), "int32")

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        return {"state": output, "source_len": replace(output, axes=output.axes[:-1])}

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        row, target = state["state"].axes[-1], sources[1]
        assert target is not None  # it is outside of the loop
        run.set_length_from(row, target.template.required(TIME), lambda n: n + 1)
        numbers = run.tensor(tf.range(run.frames(row)), (row,), Template((row,), "int32"))
        return {"state": run.broadcast(numbers, state["state"]), "source_len": run.full(state["source_len"], 0)}

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor:
        return state["state"]

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        labels, target = sources
        axes = run.template.axes
        last, label = state["state"].ordered(axes), labels.ordered(axes[:-1])[..., None]
        count = state["source_len"].ordered(axes[:-1])[..., None]
        wrong = tf.cast(label != target.ordered([*axes[:-1], target.template.required(TIME)]), tf.int32)
        first = tf.broadcast_to(count + 1, tf.shape(last[..., :1]))
        steps = tf.concat([first, tf.minimum(last[..., 1:] + 1, last[..., :-1] + wrong)], -1)
        row, count = _with_insertions(steps), count + 1
        if self.blank_idx is not None:
            blank = label == self.blank_idx
            row, count = tf.where(blank, last, row), tf.where(blank, count - 1, count)
        result = run.tensor(row, axes, run.template)
        counts = run.tensor(count[..., 0], axes[:-1], state["source_len"].template)
        return result, {"state": result, "source_len": counts}


def _row(target: Template) -> Axis:
    return target.required(TIME).derived("postfix", 1)


def _with_insertions(steps: TFTensor) -> TFTensor:
    """:return: entry t is the minimum of steps[s] + t - s over s ≤ t"""
    number = tf.range(tf.shape(steps)[-1])
    costs = (steps - number)[..., None, :]
    up_to = number[None, :] <= number[:, None]
    return number + tf.reduce_min(tf.where(up_to, costs, tf.int32.max), -1)


@layer_class("optimal_completions")
@dataclass(frozen=True, kw_only=True)
class OptimalCompletions(_OfTarget):
    """For each next label the least edit distance that any completion reaches, int32 [batch, labels], in a loop.

    Its source is the table in the previous frame, `prev:NAME` of an `edit_distance_table`. Sabour et al. 2018.
    RETURNN: OptimalCompletionsLayer.

    :param target: the whole target sequence, as "layer:base:data:classes"
    :param blank_idx: label that changes nothing
    :param debug: has no effect
    """

    def spec(self, site: Site) -> Template:
        target = self.checked_target(site)
        name, rows = site.sources[0]
        if rows.time != _row(target) or rows.dtype != "int32":
            raise site.fail(
                f"needs the rows of a layer 'edit_distance_table' for the same target, but {name!r} is {rows}"
            )
        outer = [axis for axis in rows.axes if axis != rows.time]
        return Template((*outer, Axis(FEATURE, self.classes(target))), "int32")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        rows, target = sources
        outer, row, time = run.template.axes[:-1], _row(target.template), target.template.required(TIME)
        last = rows.ordered([*outer, row])
        last = tf.where(run.mask_over([*outer, row], row), last, tf.int32.max - 1)
        least = tf.reduce_min(last, -1, keepdims=True)
        labels = tf.range(self.classes(target.template))
        true = (target.ordered([*outer, time])[..., None] == labels) & run.mask_over([*outer, time], time)[..., None]
        right = tf.reduce_min(tf.where(true, last[..., :-1, None], tf.int32.max), -2)
        found = tf.minimum(least + 1, right)
        if self.blank_idx is not None:
            found = tf.where(labels == self.blank_idx, least, found)
        value = tf.broadcast_to(found, run.shape(run.template.axes))
        value.set_shape([axis.size for axis in run.template.axes])
        return run.tensor(value, run.template.axes, run.template)
