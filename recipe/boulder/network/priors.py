"""The prior of classes: a running mean of their probabilities, by which a hybrid model divides its posteriors."""

from __future__ import annotations

from dataclasses import replace

from boulder.lazy import TFTensor, tf
from boulder.network.batch_normalization import statistics, valid
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.tensor import Tensor

PRIORS = "priors"
"""name of the parameter"""


def declare_priors(site: Site, classes: int, compute_priors: bool, share: float) -> None:
    """
    Declares the parameter `priors` [classes], which begins with the uniform distribution and is not trained.

    :param share: `compute_priors_exp_average`
    :raises NetworkError: if the options contradict each other, or are out of range
    """
    if not 0 <= share <= 1:
        raise site.fail(f"'compute_priors_exp_average' must be a number from 0 to 1, found {share}")
    if bool(share) != compute_priors:
        raise site.fail(
            "'compute_priors' and 'compute_priors_exp_average', the share of a batch in the running mean (such as 0.001), need each "
            f"other, found {compute_priors} and {share}"
        )
    if compute_priors and site.loop is not None:
        raise site.fail("'compute_priors' is not possible in a loop; expected a layer 'copy' of the loop's output")
    if compute_priors:
        site.param(PRIORS, (classes,), 1 / classes, statistic=True)


def update_priors(run: LayerRun, probabilities: Tensor, share: float) -> None:
    """
    p ← p + share · (mean of the batch - p) in training, over the frames of all replicas.

    :param probabilities: with a feature axis
    """
    priors = tf.convert_to_tensor(run.param(PRIORS))
    if not run.train:
        return
    x = probabilities.feature_last()
    value = tf.where(valid(run, x.axes[:-1])[..., None], x.value, 0)
    mean, _, count = statistics(run, replace(x, value=value))
    run.update(PRIORS, priors + tf.where(count > 0, share, 0.0) * tf.stop_gradient(mean - priors))


def log_priors(run: LayerRun) -> TFTensor:
    """:return: float32 [classes], before this batch"""
    return tf.math.log(tf.maximum(tf.convert_to_tensor(run.param(PRIORS)), 1e-20))
