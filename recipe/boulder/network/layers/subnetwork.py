"""`subnetwork`: layers under a common name. Its layers are those of the surroundings, see `boulder.network.nesting`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@layer_class("subnetwork")
@dataclass(frozen=True, kw_only=True)
class Subnetwork(ConcatLayer):
    """
    Layers in a dict of their own; `output` among them is its output.

    Its layers read its sources as `data`, each other by their names, and the layers around it as `base:NAME`; the layers
    around it read them as `SUBNETWORK/NAME`. RETURNN: SubnetworkLayer.

    :param subnetwork: net dict with a layer `output`
    :param concat_sources: whether `data` is all sources, concatenated; otherwise each source is `data:NAME` and, by its number
        from 0, `data:0`, `data:1`, …, and `data` is the first one
    :param load_on_init: not supported; `load` in the config's `preload_from_files` does the same
    :param encapsulate: without effect: layers of a subnetwork are never hidden
    """

    reads_memory: ClassVar[bool] = True
    stands_for_source: ClassVar[bool] = True
    some_sources_suffice: ClassVar[bool] = False

    subnetwork: dict
    concat_sources: bool = True
    load_on_init: object = None
    encapsulate: bool = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return ("output",)

    def spec(self, site: Site) -> Template:
        if self.load_on_init is not None:
            raise site.fail(
                "'load_on_init' is not supported; name the file in the config's 'preload_from_files' instead, with "
                f"'prefix': {site.name + '/'!r}"
            )
        return site.sources[0][1]

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return replace(output, template=run.template)
