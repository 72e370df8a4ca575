"""The loop as one layer that computes its body frame by frame. No net dict names this class."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.network.layer import Layer
from boulder.network.loop.body import Body
from boulder.network.loop.iterate import iterate
from boulder.network.loop.until_end import iterate_until_end


@dataclass(frozen=True, kw_only=True)
class Iterations(Layer):
    """
    :param body: see there; the layers of the body are the `inner` of its `LayerSpec`
    """

    class_name = "rec"
    body: Body

    def compute(self, run, *sources):
        """:return: name → output, for all `results` of the body"""
        named = dict(zip(run.sources, sources, strict=True))
        how = iterate_until_end if self.body.end or self.body.beam else iterate
        return how(run, self.body, named)
