"""Layers that select frames and repeat them. No net dict names these classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, BEAM, LOOP, Axis
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.padding_guard import without_padding
from boulder.network.template import Template
from boulder.network.tensor import Memory, Tensor
from boulder.network.widening.site import Widening

HELD = ":held"
"""key of the state that is the output in the last selected frame"""


@dataclass(frozen=True, kw_only=True)
class Selection(Layer):
    """
    The numbers of the frames that a mask selects, in their order.

    :param axis: the axis of the mask
    :param selected: the axis of the selected frames
    """

    class_name = "masked_computation"
    axis: Axis
    selected: Axis

    def compute(self, run: LayerRun, mask: Tensor) -> Tensor:
        outer = tuple(axis for axis in run.template.axes if axis != self.selected)
        flags = _flags(run, mask, (*outer, self.axis))
        lengths = tf.reduce_sum(tf.cast(flags, tf.int32), -1)
        run.set_length(self.selected.as_time(), lengths, outer)
        order = tf.argsort(tf.cast(~flags, tf.int32), axis=-1, stable=True)
        return run.tensor(order[..., : tf.reduce_max(lengths)], (*outer, self.selected), run.template)


@dataclass(frozen=True, kw_only=True)
class Select(Layer):
    """
    The selected frames of the first source, and one of the other frames in the padding; 0 there if they are class indices, since
    those of other frames may be none of the unit's.

    :param axis: the axis of all frames
    """

    class_name = "masked_computation"
    axis: Axis

    def widening(self, w: Widening) -> None:
        w.tie_in_order(w.sources[0])

    def compute(self, run: LayerRun, x: Tensor, numbers: Tensor) -> Tensor:
        outer, selected = numbers.axes[:-1], numbers.axes[-1]
        x = run.over_loop(x, self.axis) if self.axis.kind == LOOP else x
        found = _gathered(run, x, self.axis, numbers.value, outer, (selected,))
        return found if run.template.sparse_dim is None else without_padding(run, found)


@dataclass(frozen=True, kw_only=True)
class SelectedLabels(Layer):
    """The first source, class indices; 0 where the mask is False, since those of other frames may be none of the unit's."""

    class_name = "masked_computation"

    def compute(self, run: LayerRun, x: Tensor, mask: Tensor) -> Tensor:
        axes = run.template.axes
        value = x.ordered(axes)
        return run.tensor(tf.where(mask.ordered(axes), value, tf.zeros([], value.dtype)), axes, run.template)


@dataclass(frozen=True, kw_only=True)
class Repeat(Layer):
    """
    The first source, repeated where the mask is False; before the first selected frame, `initial`.

    :param axis: the axis of the mask
    :param selected: the axis of the first source
    :param initial: the value before the first selected frame

    Fails at run time if the mask selects more frames than the source has.
    """

    class_name = "masked_computation"
    axis: Axis
    selected: Axis
    initial: float = 0.0

    def widening(self, w: Widening) -> None:
        w.tie_in_order(w.sources[0])

    def compute(self, run: LayerRun, x: Tensor, mask: Tensor) -> Tensor:
        outer = tuple(axis for axis in mask.axes if axis != self.axis)
        flags = _flags(run, mask, (*outer, self.axis))
        latest = tf.cumsum(tf.cast(flags, tf.int32), axis=-1)  # 0: none so far
        total = tf.reduce_sum(tf.cast(flags, tf.int32), axis=-1)
        enough = tf.reduce_all(total <= run.length_over(outer, self.selected))
        tf.debugging.Assert(
            enough, [f"{run.where}: the mask selects more frames than the source has along {self.selected}"]
        )
        return repeated(run, x, self.selected, latest, (*outer, self.axis), self.initial)


@dataclass(frozen=True, kw_only=True)
class Held(Layer):
    """
    The first source in the last iteration of a loop in which the mask, the second one, was True.

    :param initial: the value before the first such iteration
    """

    class_name = "masked_computation"
    initial: float = 0.0

    def widening(self, w: Widening) -> None:
        w.tie_in_order(w.sources[0])

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        return {HELD: run.full(state[HELD], self.initial)}

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor:
        return state[HELD]

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        x, mask = sources
        held = _where(mask, x, state[HELD])
        return held, {HELD: held}


@dataclass(frozen=True, kw_only=True)
class Frozen(Layer):
    """
    A layer with a state, which changes only in those iterations of a loop in which the mask, the last source, is True.

    :param layer: the layer
    """

    class_name = "masked_computation"
    layer: Layer

    @classmethod
    def of(cls, layer: Layer) -> Frozen:
        """:return: the layer, with the same options of all layers"""
        return cls(layer=layer, **{option.name: getattr(layer, option.name) for option in fields(Layer)})

    @property
    def wrapped(self) -> Layer:
        return self.layer

    def widening(self, w: Widening) -> None:
        inputs, keys, sources = w.sources[:-1], w.old_keys[:-1], w.old_sources[:-1]
        inner = replace(
            w, layer=self.layer, old_layer=w.old_layer.layer, sources=inputs, old_keys=keys, old_sources=sources
        )
        self.layer.widening(inner)

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        return self.layer.first_state(run, state, sources[:-1])

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor | None:
        return self.layer.first_output(state)

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        *inputs, mask = sources
        output, after = self.layer.step(run, state, *inputs)
        after = {key: _where(mask, after[key], before) for key, before in state.items()}
        return replace(output, memory=Memory(None, after) if output.memory else None), after


def _where(mask: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """:return: `new` where the mask is True, else `old`, whose axes are those of the result"""
    axes = old.axes
    return Tensor(tf.where(mask.ordered(axes), new.ordered(axes), old.value), axes, old.template)


def _flags(run: LayerRun, mask: Tensor, axes: tuple[Axis, ...]) -> TFTensor:
    """:return: bool, the mask with these axes at their full sizes; False in the padding"""
    flags = mask.ordered(axes) & run.mask_over(axes, axes[-1])
    return tf.broadcast_to(flags, run.shape(axes))


def repeated(
    run: LayerRun, x: Tensor, selected: Axis, latest: TFTensor, axes: tuple[Axis, ...], initial: float = 0.0
) -> Tensor:
    """
    :param selected: axis of `x`
    :param latest: int32, number of selected frames so far, with the dimensions `axes`
    :param initial: the value before the first one
    :return: the latest selected frame of `x`, with `axes` in place of `selected`
    """
    x_axes = (selected, *(axis for axis in x.axes if axis != selected))
    value = x.ordered(x_axes)
    first = tf.fill(tf.concat([[1], tf.shape(value)[1:]], 0), tf.cast(initial, value.dtype))
    begun = Tensor(tf.concat([first, value], 0), x_axes, x.template)
    outer = tuple(axis for axis in axes if axis.kind in (BATCH, BEAM) or axis in x.axes)
    latest = tf.minimum(latest, tf.shape(value)[0])  # more than that are possible in padding
    return _gathered(run, begun, selected, latest, outer, axes[len(outer) :])


def _gathered(
    run: LayerRun, x: Tensor, axis: Axis, numbers: TFTensor, outer: tuple[Axis, ...], new: tuple[Axis, ...]
) -> Tensor:
    """
    :param axis: of `x`
    :param numbers: int32, entries along `axis`, with the dimensions `outer` and `new`
    :param new: at most one axis
    :return: `x` at these entries, [*outer, *new, …]
    """
    rest = tuple(a for a in x.axes if a not in (*outer, axis))
    value = x.ordered((*outer, axis, *rest))
    value = tf.broadcast_to(value, tf.concat([run.shape(outer), tf.shape(value)[len(outer) :]], 0))
    value = tf.gather(value, numbers, axis=len(outer), batch_dims=len(outer))
    return run.tensor(value, (*outer, *new, *rest), run.template)
