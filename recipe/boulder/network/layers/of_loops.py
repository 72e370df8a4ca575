"""Layers of a loop, read from outside: `get_rec_accumulated` in all frames, `rec_last_output` in the last one."""

from __future__ import annotations

from dataclasses import dataclass, field

from boulder.lazy import tf
from boulder.network.axes import TIME, Batch
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@layer_class("get_rec_accumulated")
@dataclass(frozen=True, kw_only=True)
class GetRecAccumulated(Layer):
    """A layer of a loop in all frames, the same as a source `LOOP/NAME`. RETURNN: GetRecAccumulatedOutputLayer.

    :param sources: the loop
    :param sub_layer: name of its layer, which must have `is_output_layer`
    """

    sub_layer: str

    def source_names(self) -> tuple[str, ...]:
        return tuple(f"{name}/{self.sub_layer}" for name in super().source_names())

    def spec(self, site: Site) -> Template:
        return site.only_source()[1]

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return sources[0]


@layer_class("rec_last_output")
@dataclass(frozen=True, kw_only=True)
class RecLastOutput(Layer):
    """A layer of a loop in the last frame of each sequence; zeros for a sequence without frames. RETURNN: RecLastOutputLayer.

    :param rec_layer: the loop
    :param sub_layer_name: name of its layer, which must have `need_last` or `is_output_layer`
    """

    sources: str | list[str] = field(default_factory=list)
    rec_layer: str
    sub_layer_name: str

    def source_names(self) -> tuple[str, ...]:
        return (f"{self.rec_layer}/{self.sub_layer_name}",)

    def spec(self, site: Site) -> Template:
        if super().source_names():
            raise site.fail(f"takes its source from 'rec_layer', but 'from' is {self.sources!r}")
        ((_, template),) = site.sources
        if template.time is None:
            raise site.fail_sources("needs a layer of a loop, with a time axis")
        rest = tuple(axis for axis in template.axes if axis != template.time)
        return Template(rest if template.batch else (Batch, *rest), template.dtype, template.sparse_dim)

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        (x,) = sources
        time = x.template.required(TIME)
        own = run.length_axes(time)
        outer = [*own, *(axis for axis in x.axes if axis not in (*own, time))]
        value = x.ordered([*own, time, *outer[len(own) :]])
        value = tf.broadcast_to(value, tf.concat([run.shape(own), tf.shape(value)[len(own) :]], 0))
        length = run.length(time)
        padded = tf.pad(value, [*([[0, 0]] * len(own)), [1, 0], *([[0, 0]] * (len(outer) - len(own)))])
        return x.made(tf.gather(padded, length, axis=len(own), batch_dims=len(own)), outer, run.template)
