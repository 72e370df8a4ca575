"""`copy`: the sources, concatenated; `dropout`: the same layer under another name; `identity` and `source`: one source."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from boulder.network.concat_layer import ConcatLayer
from boulder.network.extra_deps import ExtraDeps, names_in
from boulder.network.in_padding import InPadding
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("copy")
@dataclass(frozen=True, kw_only=True)
class Copy(ExtraDeps, ConcatLayer):
    """The sources, concatenated. RETURNN: CopyLayer."""

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    copies_sources: ClassVar[bool] = True

    def spec(self, site: Site) -> Template:
        return site.input()

    def widening(self, w: Widening) -> None:
        passes(w)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return run.input(sources)


@layer_class("dropout")
@dataclass(frozen=True, kw_only=True)
class Dropout(Copy):
    """In training, entries are set to 0 with probability `dropout` and the others scaled by 1 / (1 - dropout).

    Srivastava et al. 2014. RETURNN: DropoutLayer.
    """


@layer_class("identity")
@dataclass(frozen=True, kw_only=True)
class Identity(Layer):
    """The source. RETURNN: IdentityLayer.

    :param control_dependencies: layers that exist if this one does; they have no effect on its output
    """

    copies_sources: ClassVar[bool] = True
    control_dependencies: list[str] | None = None

    def further_layers(self) -> tuple[str, ...]:
        return names_in(self.control_dependencies)

    def spec(self, site: Site) -> Template:
        return site.only_source()[1]

    def widening(self, w: Widening) -> None:
        passes(w)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        return replace(x, memory=None)


@layer_class("source")
@dataclass(frozen=True, kw_only=True)
class Source(Identity):
    """A data stream. RETURNN: SourceLayer.

    :param data_key: key of the stream; None: the default input
    """

    sources: str | list[str] = field(default_factory=list)
    data_key: str | None = None

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), "data" if self.data_key is None else f"data:{self.data_key}")
