"""The prior of a hybrid system: the mean of a network's posteriors over all frames of a data set (Bourlard & Morgan 1994)."""

from __future__ import annotations

import os

import numpy

from boulder.atomic_file import write_text
from boulder.errors import DataError, NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkOutput
from boulder.network.axes import SPATIAL
from boulder.network.layer_output import LayerOutput
from boulder.search.data_pass import DataPass, needed

_TOLERANCE = 1e-2


def mean_posteriors(data_pass: DataPass, layer: str) -> numpy.ndarray:
    """
    :param layer: its output are probabilities, or class indices, which count as probabilities of 1
    :return: float64 [V]
    :raises NetworkError: if there is no such layer, or if it has no classes
    :raises DataError: if there are no frames, or if the means are not those of probabilities
    """
    spec = data_pass.spec()
    output = LayerOutput.of(spec, layer)
    template, classes = output.template, output.template.dim
    if classes is None or len(output.frames) > 1 or output.beam or template.axis(SPATIAL):
        raise NetworkError(f"prior: layer {layer!r} is {template}, expected probabilities of classes for each frame")

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        value, *lengths = output.tensors(out)
        if template.sparse_dim is not None:
            value = tf.one_hot(value, classes)
        if lengths:
            value = tf.boolean_mask(value, tf.sequence_mask(lengths[0], tf.shape(value)[1]))
        return [tf.reduce_sum(tf.cast(value, tf.float64), axis=0), tf.shape(value)[0]]

    total, count = numpy.zeros(classes), 0
    for _, (sums, number) in data_pass.batches(needed(spec, [layer]), wanted):
        total += sums
        count += int(number)
    if not count:
        raise DataError("prior: found no frames in the data set, expected at least one")
    mean = total / count
    if not (mean >= 0).all() or abs(mean.sum() - 1) > _TOLERANCE:
        raise DataError(
            f"prior: the means of layer {layer!r} add up to {mean.sum():.6g}, with a minimum of {mean.min():.6g}; expected "
            "probabilities, which add up to 1: name the softmax, not its logarithm or its input"
        )
    return mean


def write_prior_txt(path: str | os.PathLike[str], prior: numpy.ndarray) -> None:
    """Writes natural logarithms, one in each line, as RETURNN's task `compute_priors` does."""
    write_text(path, "".join(f"{value:.18e}\n" for value in _log(prior)))


def write_prior_xml(path: str | os.PathLike[str], prior: numpy.ndarray) -> None:
    """Writes natural logarithms as an XML vector of RASR."""
    values = " ".join(f"{value:.20e}" for value in _log(prior))
    write_text(
        path, f'<?xml version="1.0" encoding="UTF-8"?>\n<vector-f32 size="{len(prior)}">\n{values}\n</vector-f32>\n'
    )


def _log(prior: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(divide="ignore"):  # a class that never occurs: -inf, as in RETURNN
        return numpy.log(prior)
