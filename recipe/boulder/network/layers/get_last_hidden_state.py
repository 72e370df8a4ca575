"""`get_last_hidden_state`: state of recurrent layers after their last frame; in a loop, after the current frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boulder.errors import NetworkError
from boulder.network.axes import FEATURE
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template, broadcast
from boulder.network.tensor import Memory, Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.units import Joined, sizes_of


@layer_class("get_last_hidden_state")
@dataclass(frozen=True, kw_only=True)
class GetLastHiddenState(Layer):
    """The state of recurrent layers after their last frame; in a loop, after this or the previous one.

    RETURNN: GetLastHiddenStateLayer.

    :param sources: layers with a state, such as recurrent units, `cumsum`, or this class; `prev:NAME` in a loop
    :param key: part of the state: "c" or "h" of an LSTM; None for a state without parts, such as that of a GRU; "*": the
        whole state, its parts concatenated; "flat": the same for a state with several parts
    :param combine: how to combine the states of several sources
    """

    reads_memory = True

    key: str | int | None = "*"
    combine: Literal["concat", "add"] = "concat"

    def spec(self, site: Site) -> Template:
        if not site.sources:
            raise site.fail("needs a source in 'from'")
        sizes = [self._size(site, name, template) for name, template in site.sources]
        if self.combine == "add" and len(set(sizes)) > 1:
            raise site.fail(f"cannot add states of sizes {' and '.join(map(str, sizes))}")
        if self.n_out is None:
            raise site.fail("'n_out' is missing")
        n = sum(sizes) if self.combine == "concat" else sizes[0]
        outer = []
        for _, template in site.sources:
            outer.append(Template(tuple(a for a in template.axes if a not in (template.time, template.feature))))
        with site.naming_sources():
            return broadcast(outer).with_feature(n)

    def _size(self, site: Site, name: str, template: Template) -> int:
        remembered = site.memory(name, template)
        if not remembered:
            raise site.fail(f"source {name!r} is not a recurrent layer and has no state")
        if self.key == "*" or (self.key == "flat" and len(remembered) > 1):
            return sum(remembered.values())
        if isinstance(self.key, int) or self.key not in remembered:
            known = ", ".join(map(repr, remembered))
            raise site.fail(f"'key' is {self.key!r}, but the state of {name!r} has {known}, or '*' for the whole state")
        return remembered[self.key]

    def widening(self, w: Widening) -> None:
        for source in w.sources:
            w.tie_axes(source, [axis for axis in source.new.axes if axis.kind == FEATURE])
        sizes = [sizes_of(source.features) for source in w.sources]
        total = sizes_of(w.output.features)[1]
        copies = total // (sum(new for _, new in sizes) if self.combine == "concat" else sizes[0][1])
        states = [Joined.of(*[source.features] * copies) for source in w.sources]
        for state in [Joined.of(*states)] if self.combine == "concat" else states:
            w.tie(state, w.output.features)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        states = [self._chosen(run, source.memory) for source in sources]
        if self.combine == "concat":
            state = run.input(states)
        else:
            axes = run.template.axes
            state = Tensor(sum(x.ordered(axes) for x in states), axes, run.template)
        state = run.broadcast(state, run.template)
        return Tensor(state.value, state.axes, run.template, memory=Memory(None, {None: state}))

    def _chosen(self, run: LayerRun, memory: Memory | None) -> Tensor:
        if memory is None:
            raise NetworkError(f"layer {run.name!r}: reading a state across two loops is not supported")
        chosen = [state for key, state in memory.last.items() if self.key in (key, "*", "flat")]
        return run.input(chosen)

    def remembers(self, output: Template) -> dict[str | None, int]:
        return {None: output.required(FEATURE).known_size}
