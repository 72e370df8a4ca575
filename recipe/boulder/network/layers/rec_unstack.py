"""`rec_unstack`: the current frame of a layer outside of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@layer_class("rec_unstack")
@dataclass(frozen=True, kw_only=True)
class RecUnstack(Layer):
    """The current frame of a layer outside of the loop, which has the number of frames of the loop. RETURNN: RecUnstackLayer.

    :param sources: one layer, as `base:NAME`
    :param axis: its axis that the loop iterates over, see `boulder.network.axis_names`; None: that of the loop, or its time axis
    :param declare_rec_time: has no effect: a loop without `from`, `target` and `size_target` iterates over this axis
    """

    axis: object = None
    declare_rec_time: bool = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return tuple(f"unstacked:{name}" for name in self.source_names())

    def spec(self, site: Site) -> Template:
        return site.only_source()[1]

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return sources[0]
