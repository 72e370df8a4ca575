"""The layer that computes the body of a loop frame by frame. No net dict names this class."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.loop.body import Body
from boulder.network.loop.iterate import iterate
from boulder.network.loop.until_end import iterate_until_end
from boulder.network.run_state import LoopRun
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@dataclass(frozen=True, kw_only=True)
class Iterations(Layer):
    """
    :param body: the body; its layers are the `inner` layers of the `LayerSpec`
    """

    class_name = "rec"
    body: Body

    def widening(self, w: Widening) -> None:
        for item in self.body.carried:
            layer = w.tensor(item.layer)
            if item.variable is not None:
                w.param(item.variable, layer.feature)
            elif isinstance(item.initial, str):
                for axis, term in zip((first := w.tensor(item.initial)).new.axes, first.terms, strict=True):
                    same = next((a for a in layer.new.axes if a.identity == axis.identity), None)
                    if term is not None:
                        w.tie(term, layer.term(same) if same else layer.feature)

    def compute(self, run: LayerRun, *sources: Tensor) -> dict[str, Tensor]:
        """:return: name → output, for all `results` of the body"""
        assert isinstance(run, LoopRun)  # as there are inner layers
        named = dict(zip(run.sources, sources, strict=True))
        ends = self.body.end or self.body.beam
        results = iterate_until_end(run, self.body, named) if ends else iterate(run, self.body, named)
        return results if self.body.back_prop else {name: _stopped(x) for name, x in results.items()}


def _stopped(x: Tensor) -> Tensor:
    """:return: `x`, through which no gradient passes"""
    logits = None if x.logits is None else tf.stop_gradient(x.logits)
    memory = x.memory and replace(x.memory, first=x.memory.first and _stopped(x.memory.first))
    return replace(x, value=tf.stop_gradient(x.value), logits=logits, memory=memory)
