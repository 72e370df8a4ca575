"""`decide`, `decide_keep_beam`, `split_batch_beam`: the end of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.axes import BEAM, TIME, Axis, Batch
from boulder.network.dims import NetDim
from boulder.network.in_padding import InPadding
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import no_hypotheses
from boulder.network.roles import unused
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


def is_of_hypotheses(axis: Axis) -> bool:
    """:return: whether it is the time axis of a loop that its layer `end` ends, so that each hypothesis has its own length"""
    return axis.kind == TIME and axis.origin[0] == "loop"


@dataclass(frozen=True, kw_only=True)
class _EndOfSearch(Layer):
    """
    :param search: has no effect: the source says whether there are hypotheses
    :param add_to_beam_scores: has no effect
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE
    refused: ClassVar[Mapping[str, str]] = {"beam_size": "the source gives it; expected 'beam_size' at its 'choice'"}

    search: bool | None = None
    add_to_beam_scores: bool | None = None

    def widening(self, w: Widening) -> None:
        for source in w.sources:
            w.tie_axes(source)


@layer_class("decide")
@dataclass(frozen=True, kw_only=True)
class Decide(_EndOfSearch):
    """
    In a search, the best hypothesis; otherwise the source, unchanged. RETURNN: DecideLayer.

    :param length_normalization: whether the scores are divided by the lengths once more
    """

    ends_search: ClassVar[bool] = True

    length_normalization: bool = False

    def spec(self, site: Site) -> Template:
        _, template = site.only_source()
        if template.axis(BEAM) is None:
            return template
        if self.length_normalization and template.time is None:
            raise site.fail(f"'length_normalization' needs a source with a time axis, found {template}")
        return _decided(template)

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        beam = x.template.axis(BEAM)
        if beam is None:
            return x
        scores = run.beam_scores[beam]
        if self.length_normalization:
            scores /= tf.cast(run.length_over((Batch, beam), x.template.required(TIME)), tf.float32)
        best = tf.argmax(scores, axis=1, output_type=tf.int32)
        run.beam_scores[run.name] = tf.reduce_max(scores, axis=1)
        renamed = {}
        for axis in x.template.axes:
            if is_of_hypotheses(axis):
                renamed[axis] = axis.derived("decide")
                run.set_length(renamed[axis], tf.gather(run.length(axis), best, axis=1, batch_dims=1))
        axes = (Batch, beam, *(axis for axis in x.axes if axis not in (Batch, beam)))
        value = tf.gather(x.ordered(axes), best, axis=1, batch_dims=1)
        axes = (Batch, *(renamed.get(axis, axis) for axis in axes[2:]))
        for position, axis in enumerate(axes):
            if axis in renamed.values():
                value = tf.gather(value, tf.range(run.frames(axis)), axis=position)
        return x.made(value, axes, run.template)


def _decided(template: Template) -> Template:
    for axis in template.axes:
        if is_of_hypotheses(axis):
            template = template.with_axis_replaced(axis, axis.derived("decide"))
    return no_hypotheses(template)


@layer_class("decide_keep_beam")
@dataclass(frozen=True, kw_only=True)
class DecideKeepBeam(_EndOfSearch):
    """The source, of all hypotheses. Outside of loops nothing is selected from them any more. RETURNN: DecideKeepBeamLayer."""

    def spec(self, site: Site) -> Template:
        if site.loop is not None:
            raise site.fail("found in a loop, expected outside of it")
        return site.only_source()[1]

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        return replace(x, template=run.template)


@layer_class("split_batch_beam")
@dataclass(frozen=True, kw_only=True)
class SplitBatchBeam(_EndOfSearch):
    """The source, whose hypotheses become an axis of their own, the first one after the batch. RETURNN: SplitBatchBeamLayer.

    :param beam_dim: `Dim` of that axis
    """

    beam_dim: NetDim | None = None

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        named = [] if self.beam_dim is None else [(self.beam_dim, output.axes[1])]
        return [*super().named_axes(site, output), *named]

    def spec(self, site: Site) -> Template:
        _, template = site.only_source()
        if site.loop is not None or template.axis(BEAM) is None:
            raise site.fail(f"needs the hypotheses of a search, outside of its loop, but its input is {template}")
        if any(is_of_hypotheses(axis) for axis in template.axes):
            raise site.fail(
                f"needs one length for all hypotheses of a sequence, but its input is {template}; read 'decide'"
            )
        return self._split(template)

    @staticmethod
    def _split(template: Template) -> Template:
        beam = template.required(BEAM)
        rest = [axis for axis in template.axes if axis not in (Batch, beam)]
        return replace(template, axes=(Batch, unused(beam.known_size, rest), *rest))

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        new = run.template.axes[1]
        return x.made(x.value, [new if axis.kind == BEAM else axis for axis in x.axes], run.template)
