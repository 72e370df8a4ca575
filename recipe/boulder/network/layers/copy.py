"""`copy`: the sources, concatenated; `dropout`: the same, named for what it is used for."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.network.layer import ConcatLayer, Site, layer_class
from boulder.network.template import Template


@layer_class("copy")
@dataclass(frozen=True, kw_only=True)
class Copy(ConcatLayer):
    copies_sources: ClassVar[bool] = True

    def spec(self, site: Site) -> Template:
        return site.input()

    def compute(self, run, *sources):
        return run.input(sources)


@layer_class("dropout")
@dataclass(frozen=True, kw_only=True)
class Dropout(Copy):
    """Srivastava et al. 2014: in training an entry is 0 with probability `dropout`, the others are scaled up."""
