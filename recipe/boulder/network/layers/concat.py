"""`concat`: the sources one after the other along an axis."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, TIME, Axis, Batch, Feature, StaticTime
from boulder.network.axis_names import find_axis
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.taking import length_of, taken
from boulder.network.template import Template, broadcast
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.units import Joined


@layer_class("concat")
@dataclass(frozen=True, kw_only=True)
class Concat(Layer):
    """The sources, concatenated along an axis of each.

    The axis takes the role that it has in the first source. Frames of a sequence follow each other without padding in
    between; RETURNN leaves the padding of all but the last source in between. RETURNN: ConcatLayer.

    :param sources: `from`: pairs of a layer and its axis, see `boulder.network.axis_names`
    :param allow_broadcast: whether a source may lack other axes; it is then repeated along them
    """

    sources: list[tuple[str, object]] = field()  # type: ignore[assignment]
    allow_broadcast: bool = False

    def source_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.sources)

    def spec(self, site: Site) -> Template:
        if not site.sources:
            raise site.fail("needs a source in 'from'")
        axes = self._axes([template for _, template in site.sources], site)
        self._check_types(site)
        others = [_without(t, axis) for (_, t), axis in zip(site.sources, axes, strict=True)]
        with site.naming_sources():
            common = broadcast(others)
            if len({axis for t in others for axis in t.axes if axis.kind == FEATURE}) > 1:
                raise NetworkError("sources with different features cannot be concatenated along another axis")
        if not self.allow_broadcast and any(set(t.axes) != set(common.axes) for t in others):
            raise site.fail_sources("sources must have the same other axes, unless 'allow_broadcast' is set")
        first = site.sources[0][1]
        new = self._new(axes, common)
        own = [new if axis == axes[0] else axis for axis in first.axes]
        if new.size is None and common.batch is None:
            own = [Batch, *own]  # where the second source begins differs between sequences
        return replace(first, axes=(*own, *(axis for axis in common.axes if axis not in own)))

    def _axes(self, templates: list[Template], site: Site) -> list[Axis]:
        found = [find_axis(t, axis, site) for t, (_, axis) in zip(templates, self.sources, strict=False)]
        for axis in found:
            if axis.size is None and axis.kind != TIME:
                raise site.fail_sources(f"cannot concatenate along the {axis} axis")
        return found

    def _check_types(self, site: Site) -> None:
        kinds = {(t.dtype, t.sparse_dim) for _, t in site.sources}
        if len(kinds) > 1:
            raise site.fail_sources("sources of different types or numbers of classes cannot be concatenated")

    @staticmethod
    def _new(axes: list[Axis], common: Template) -> Axis:
        first = axes[0]
        if all(axis.size is not None for axis in axes):
            size = sum(axis.known_size for axis in axes)
            if first.kind == TIME:
                return StaticTime(size)
            return Feature(size) if first.kind == FEATURE else unused(size, common.axes)
        origins = tuple(axis.origin if axis.size is None else (f"{axis.size}",) for axis in axes)
        return Axis(TIME, None, ("concat", *origins))

    def widening(self, w: Widening) -> None:
        if [source.key for source in w.sources] != w.old_sources:
            raise w.refuse(f"reads other sources than {', '.join(map(repr, w.old_sources))}")
        axes = self._axes([source.new for source in w.sources], w.site())
        for source, axis in zip(w.sources, axes, strict=True):
            w.tie_axes(source, [axis])
        terms = [source.term(axis) for source, axis in zip(w.sources, axes, strict=True)]
        made = w.output.terms[w.sources[0].new.axes.index(axes[0])]
        if made is not None and None not in terms:
            w.tie(Joined.of(*(term for term in terms if term is not None)), made)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        axes = self._axes([x.template for x in sources], self.site(run))
        at = sources[0].template.axes.index(axes[0])
        new = [axis for axis in run.template.axes if axis != Batch or Batch in sources[0].template.axes][at]
        outer = [axis for axis in run.template.axes if axis != new]
        values = [self._value(run, x, axis, outer) for x, axis in zip(sources, axes, strict=True)]
        joined = Tensor(tf.concat(values, -1), (*outer, new), run.template)
        if new.size is not None:
            joined.value.set_shape([axis.size for axis in joined.axes])
            return joined
        own = tuple(dict.fromkeys(a for axis in axes if axis.size is None for a in run.length_axes(axis)))

        def lengths() -> list[TFTensor]:
            return [length_of(run, axis, own) for axis in axes]

        run.define_length(new, own, lambda: tf.broadcast_to(sum(lengths()), run.shape(own)))
        index = _closed(run.frames(new), lengths(), [tf.shape(value)[-1] for value in values])
        index = tf.broadcast_to(index, run.shape((*own, new)))
        padded = new.derived("padded")
        return joined.made(
            *taken(joined.renamed({new: padded}, joined.template), padded, index, (*own, new)), run.template
        )

    @staticmethod
    def _value(run: LayerRun, x: Tensor, axis: Axis, outer: list[Axis]) -> TFTensor:
        value = x.ordered([*outer, axis])
        if len(x.axes) <= len(outer):
            value = tf.broadcast_to(value, tf.concat([run.shape(outer), tf.shape(value)[-1:]], 0))
        return value


def _closed(frames: TFTensor, lengths: list[TFTensor], padded: list[TFTensor]) -> TFTensor:
    """
    :param frames: int32 scalar, number of frames of the result
    :param lengths: int32, numbers of frames of each source
    :param padded: int32 scalars, the same with padding
    :return: int32 [..., frames], where each frame is among the padded sources, concatenated
    """
    frame = tf.range(frames)
    index, start, place = tf.zeros_like(frame), tf.zeros_like(lengths[0])[..., None], tf.constant(0)
    for length, size in zip(lengths, padded, strict=True):
        index = tf.where(frame >= start, tf.minimum(frame - start + place, tf.maximum(0, place + size - 1)), index)
        start, place = start + length[..., None], place + size
    return tf.maximum(0, tf.minimum(index, place - 1))


def _without(template: Template, axis: Axis) -> Template:
    return replace(template, axes=tuple(a for a in template.axes if a != axis))
