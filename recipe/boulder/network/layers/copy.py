"""`copy`: the sources, concatenated; `dropout`: the same layer under another name."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.network.in_padding import InPadding
from boulder.network.layer import ConcatLayer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("copy")
@dataclass(frozen=True, kw_only=True)
class Copy(ConcatLayer):
    """The sources, concatenated. RETURNN: CopyLayer."""

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    copies_sources: ClassVar[bool] = True

    def spec(self, site: Site) -> Template:
        return site.input()

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return run.input(sources)


@layer_class("dropout")
@dataclass(frozen=True, kw_only=True)
class Dropout(Copy):
    """In training, entries are set to 0 with probability `dropout` and the others scaled by 1 / (1 - dropout).

    Srivastava et al. 2014. RETURNN: DropoutLayer.
    """
