"""`accumulate_mean`: the mean over all frames of all batches, such as a prior of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.lazy import tf
from boulder.network.axes import FEATURE
from boulder.network.axis_names import find_axes
from boulder.network.batch_normalization import statistics, valid
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("accumulate_mean")
@dataclass(frozen=True, kw_only=True)
class AccumulateMean(ConcatLayer):
    """The running mean of each feature over the frames of the batches of the training, of all replicas together.

    m ← m + exp_average · (mean of the batch - m) after each update; the output is m before it, [features]. It changes in training
    alone. RETURNN: AccumulateMeanLayer.

    Parameter: mean [features], which is not trained; `mean_1` in RETURNN's checkpoints.

    :param exp_average: share of the batch in the running mean after an update, from 0 to 1
    :param axes: all axes but the features, see `boulder.network.axis_names`
    :param initial_value: the mean at the beginning; None: 0
    :param enforce_batch_dim_axis: only 0 or None, as in `reduce`
    :param use_time_mask: has no effect: padding is always masked
    :param is_prob_distribution: whether the features are probabilities; the mean then begins with the uniform distribution
    """

    exp_average: float
    axes: object = "bt"
    initial_value: float | None = None
    is_prob_distribution: bool | None = None
    enforce_batch_dim_axis: Literal[0] | None = None
    use_time_mask: bool | None = None

    refused: ClassVar[Mapping[str, str]] = {
        "axis": "expected 'axes'",
        "keep_dims": "the result has features alone; 'expand_dims' adds an axis",
        "mode": "it is always the mean; expected a layer 'reduce'",
    }

    def spec(self, site: Site) -> Template:
        template = site.input()
        n = site.dense_dim(template)
        if not 0 <= self.exp_average <= 1:
            raise site.fail(f"'exp_average' must be a number from 0 to 1, found {self.exp_average}")
        if site.loop is not None:
            raise site.fail("is not possible in a loop, whose number of frames differs; read the loop's output instead")
        kept = [axis for axis in template.axes if axis not in find_axes(template, self.axes, site)]
        if [axis.kind for axis in kept] != [FEATURE]:
            found = ", ".join(map(str, kept)) or "none"
            raise site.fail(f"'axes' must be all axes of {template} but the features; {self.axes!r} leaves {found}")
        uniform = 1 / n if self.is_prob_distribution else 0.0
        site.param(
            "mean",
            (n,),
            uniform if self.initial_value is None else self.initial_value,
            variable="mean_1",
            statistic=True,
        )
        return Template((template.required(FEATURE),))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x, mean = run.input(sources).feature_last(), tf.convert_to_tensor(run.param("mean"))
        if run.train:
            value = tf.where(valid(run, x.axes[:-1])[..., None], x.value, 0)
            of_batch, _, count = statistics(run, replace(x, value=value))
            share = tf.where(count > 0, self.exp_average, 0.0)
            run.update("mean", mean + tf.stop_gradient(of_batch - mean) * share)
        return x.made(mean, run.template.axes, run.template)
