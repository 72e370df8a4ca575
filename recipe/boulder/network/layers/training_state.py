"""`train_flag` and `global_train_step`: whether the network is trained, and the number of the update."""

from __future__ import annotations

from dataclasses import dataclass, field

from boulder.lazy import tf
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class _State(Layer):
    sources: str | list[str] = field(default_factory=list)

    def spec(self, site: Site) -> Template:
        if site.sources:
            raise site.fail(f"takes no source, found {len(site.sources)}")
        return Template((), self.dtype)

    @property
    def dtype(self) -> str:
        raise NotImplementedError


@layer_class("train_flag")
@dataclass(frozen=True, kw_only=True)
class TrainFlag(_State):
    """Whether the network is being trained, as a bool. RETURNN: TrainFlagLayer."""

    dtype = "bool"

    def compute(self, run: LayerRun) -> Tensor:
        return run.tensor(tf.constant(run.train), (), run.template)


@layer_class("global_train_step")
@dataclass(frozen=True, kw_only=True)
class GlobalTrainStep(_State):
    """The number of the update, from 0, as an int64. RETURNN: GlobalTrainStepLayer."""

    dtype = "int64"

    def compute(self, run: LayerRun) -> Tensor:
        return run.tensor(tf.convert_to_tensor(run.step), (), run.template)
