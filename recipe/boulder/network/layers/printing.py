"""`print`: the input, which is also printed; `image_summary`: the input, of which RETURNN draws images for TensorBoard."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@dataclass(frozen=True, kw_only=True)
class _Watched(Layer):
    def spec(self, site: Site) -> Template:
        return site.only_source()[1]

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        return x


@layer_class("print")
@dataclass(frozen=True, kw_only=True)
class Print(_Watched):
    """The input. Each time it is computed, its values are printed, with its name and its axes. RETURNN: PrintLayer.

    :param summarize: number of entries to print at both ends of each axis; None: all of them
    :param extra_print_args: printed too
    """

    summarize: int | None = 99
    extra_print_args: list[object] = ()  # type: ignore[assignment]

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        axes = ", ".join(map(str, x.axes))
        tf.print(
            f"{run.where}: [{axes}]",
            x.value,
            *self.extra_print_args,
            summarize=-1 if self.summarize is None else self.summarize,
        )
        return x


@layer_class("image_summary")
@dataclass(frozen=True, kw_only=True)
class ImageSummary(_Watched):
    """The input. No image is drawn. RETURNN: ImageSummaryLayer.

    :param max_outputs: has no effect
    """

    max_outputs: int = 3
