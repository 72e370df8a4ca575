"""`rec` with a net dict as its `unit`: a loop over frames, whose layers also read the previous frame (`prev:`).

`boulder.network.loop.building` turns it into layers that can be computed: layers before the loop, the loop, layers after
it, and last this one, which is all that the rest of the network reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from boulder.network.layer_run import LayerRun
from boulder.network.loop.building import describe_loop
from boulder.network.loop.loop_options import LoopOptions
from boulder.network.loop.nodes import left
from boulder.network.loop.subnet import LoopSubnet
from boulder.network.names import Place
from boulder.network.subnet import Container, Inner
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@dataclass(frozen=True, kw_only=True)
class Loop(LoopOptions, Container):
    """Layers that are computed once per frame, and may read the previous frame. RETURNN: RecLayer with a subnetwork.

    Options: see `LoopOptions`.
    """

    def inner(self, place: Place) -> Inner:
        subnet = LoopSubnet(self, place)
        return Inner(subnet, partial(describe_loop, subnet))

    def held_layers(self) -> Mapping[str, object]:
        return self.unit

    def check_exposed(self, name: str) -> str | None:
        options = self.unit[name]
        shown = isinstance(options, dict) and (options.get("is_output_layer") or options.get("need_last"))
        if name == "output" or shown:
            return None
        return f"which is not visible outside of its loop; give {name!r} 'is_output_layer': True"

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return left(run, output, run.template)
