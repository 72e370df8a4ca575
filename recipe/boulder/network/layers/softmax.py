"""`softmax`: a dense layer whose outputs are the probabilities of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.linear import Linear
from boulder.network.priors import declare_priors, update_priors
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("softmax")
@dataclass(frozen=True, kw_only=True)
class Softmax(Linear):
    """`linear` with the activation softmax: probabilities of classes. RETURNN: SoftmaxLayer.

    With `compute_priors`, as in the first version of RETURNN, the layer has the parameter priors [classes], which is not trained:
    p ← p + `compute_priors_exp_average` · (mean of the batch - p) after each update. The loss `fast_bw` takes it into account. The
    options of that loss may be options of the layer, as there.

    :param compute_priors: whether the layer keeps a prior, the running mean of its output
    :param compute_priors_exp_average: share of a batch in it
    """

    activation: str | None = "softmax"
    compute_priors: bool = False
    compute_priors_exp_average: float = 0.0

    @classmethod
    def variant(cls, options: Mapping[str, object]) -> type[Layer]:
        """:return: `FullSumSoftmax` if options of the loss `fast_bw` are among them"""
        return FullSumSoftmax if FULL_SUM_OPTIONS & options.keys() else cls

    def spec(self, site: Site) -> Template:
        template = super().spec(site)
        declare_priors(site, site.dense_dim(template), self.compute_priors, self.compute_priors_exp_average)
        return template

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        y = super().compute(run, *sources)
        if self.compute_priors:
            update_priors(run, y, self.compute_priors_exp_average)
        return y


@dataclass(frozen=True, kw_only=True)
class FullSumSoftmax(Softmax):
    """`softmax` with options of its loss `fast_bw`."""

    sprint_opts: dict | None = None
    tdp_scale: float | None = None
    am_scale: float | None = None
    prior_scale: float | None = None
    ce_smoothing: float | None = None
    ce_target_layer_align: str | None = None

    def options_of_loss(self) -> dict[str, Any]:
        given = {option: value for option in FULL_SUM_OPTIONS if (value := getattr(self, option)) is not None}
        return given | super().options_of_loss()


FULL_SUM_OPTIONS = FullSumSoftmax.__dataclass_fields__.keys() - Softmax.__dataclass_fields__.keys()
