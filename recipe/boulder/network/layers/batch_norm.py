"""`batch_norm`: normalizes each feature over the frames of the batch, then scales and shifts it."""

from dataclasses import dataclass

from boulder.network.batch_normalization import BatchNormalization
from boulder.network.concat_layer import ConcatLayer
from boulder.network.extra_deps import ExtraDeps
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("batch_norm")
@dataclass(frozen=True, kw_only=True)
class BatchNorm(BatchNormalization, ExtraDeps, ConcatLayer):
    """Normalizes each feature over the frames of the batch, of all replicas together.

    The running mean and variance change in training alone, and not for a batch whose loss or gradient is not finite. They are
    parameters, which are grown, averaged and stored as the others are. RETURNN: BatchNormLayer, which also changes them while
    it scores a data set unless `update_sample_only_in_training`, and counts padding if `masked_time` is False.

    Parameters: batch_norm/mean, variance, gamma and beta [features]; see `param_version`.
    """

    def spec(self, site: Site) -> Template:
        if self.batch_norm:
            raise site.fail("'batch_norm' is an option of other layers; this one has those options itself")
        template = site.input()
        site.dense_dim(template)
        self.declare(site, template)
        return template

    def widening(self, w: Widening) -> None:
        passes(w)  # each unit has statistics of its own

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return self.apply(run, run.input(sources))
