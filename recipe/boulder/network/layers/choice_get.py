"""`choice_get_beam_scores` and `choice_get_src_beams`: what a choice of a search knows of its hypotheses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.network.axes import BEAM, Batch
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import Chooser
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class _OfChoice(Layer):
    reads_memory = True
    memory_key: ClassVar[str]
    dtype: ClassVar[str]

    def spec(self, site: Site) -> Template:
        name, template = site.only_source()
        chooser = site.layer_of(name)
        beam = template.axis(BEAM)
        if site.loop is None:
            self.check_outside(site)
        elif not (isinstance(chooser, Chooser) and chooser.beam_width):
            raise site.fail(f"needs a 'choice' of the same iteration that searches, found {name!r}")
        if beam is None:
            raise site.fail(f"needs the hypotheses of a search, but {name!r} is {template}")
        return Template((Batch, beam), self.dtype)

    def check_outside(self, site: Site) -> None:
        """:raises NetworkError: if there is nothing to read outside of the loop"""

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        axes = run.template.axes
        if x.memory and self.memory_key in x.memory.last:
            return run.tensor(x.memory.last[self.memory_key].ordered(axes), axes, run.template)
        return run.tensor(run.beam_scores[x.template.required(BEAM)], axes, run.template)


@layer_class("choice_get_beam_scores")
@dataclass(frozen=True, kw_only=True)
class ChoiceGetBeamScores(_OfChoice):
    """The scores of the hypotheses after a choice; outside of the loop, after the search. RETURNN: ChoiceGetBeamScoresLayer."""

    memory_key = "scores"
    dtype = "float32"


@layer_class("choice_get_src_beams")
@dataclass(frozen=True, kw_only=True)
class ChoiceGetSrcBeams(_OfChoice):
    """The number of the hypothesis that each hypothesis continues, in the choice. RETURNN: ChoiceGetSrcBeamsLayer."""

    memory_key = "src_beams"
    dtype = "int32"

    def check_outside(self, site: Site) -> None:
        raise site.fail("found outside of loops, expected in the loop of the choice")
