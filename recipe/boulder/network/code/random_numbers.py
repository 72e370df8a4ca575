"""TensorFlow's random functions, drawn from the random stream of the layer whose code calls them.

The originals keep their state in the process, so a resumed training would differ from an uninterrupted one. Here numbers are a
function of the seed, the step, the layer and the number of the call; see `RandomStream`. Outside of layers the originals are
called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.code.running import running_code

_Shape: TypeAlias = Sequence[int] | TFTensor
_Dtype: TypeAlias = Any
"""tf.DType, or its name"""


def uniform(
    seed: TFTensor, shape: _Shape, minval: TFTensor = 0, maxval: TFTensor = None, dtype: _Dtype = None
) -> TFTensor:
    dtype = tf.as_dtype(dtype or tf.float32)
    if maxval is None and not dtype.is_floating:
        raise NetworkError(f"random_uniform: found no maxval, which {dtype.name} numbers need")
    return tf.random.stateless_uniform(shape, seed, minval, 1 if maxval is None else maxval, dtype)


def normal(
    seed: TFTensor, shape: _Shape, mean: TFTensor = 0.0, stddev: TFTensor = 1.0, dtype: _Dtype = None
) -> TFTensor:
    return tf.random.stateless_normal(shape, seed, mean, stddev, dtype or tf.float32)


def truncated_normal(
    seed: TFTensor, shape: _Shape, mean: TFTensor = 0.0, stddev: TFTensor = 1.0, dtype: _Dtype = None
) -> TFTensor:
    return tf.random.stateless_truncated_normal(shape, seed, mean, stddev, dtype or tf.float32)


def shuffle(seed: TFTensor, value: TFTensor) -> TFTensor:
    """Shuffles along the first axis."""
    return tf.random.experimental.stateless_shuffle(value, seed)


def random_crop(seed: TFTensor, value: TFTensor, size: _Shape) -> TFTensor:
    return tf.image.stateless_random_crop(value, size, seed)


def categorical(seed: TFTensor, logits: TFTensor, num_samples: int, dtype: _Dtype = None) -> TFTensor:
    return tf.random.stateless_categorical(logits, num_samples, seed, dtype or tf.int64)


def gamma(seed: TFTensor, shape: _Shape, alpha: TFTensor, beta: TFTensor = None, dtype: _Dtype = None) -> TFTensor:
    dtype = dtype or tf.float32
    alpha = tf.convert_to_tensor(alpha, dtype)
    beta = tf.ones_like(alpha) if beta is None else tf.convert_to_tensor(beta, dtype)
    full = tf.concat([tf.cast(shape, tf.int32), tf.shape(alpha + beta)], 0)
    return tf.random.stateless_gamma(full, seed, alpha, beta, dtype)


def poisson(seed: TFTensor, shape: _Shape, lam: TFTensor, dtype: _Dtype = None) -> TFTensor:
    dtype = dtype or tf.float32
    lam = tf.convert_to_tensor(lam, dtype)
    return tf.random.stateless_poisson(tf.concat([tf.cast(shape, tf.int32), tf.shape(lam)], 0), seed, lam, dtype)


def dropout(
    seed: TFTensor, x: TFTensor, rate: float | TFTensor = None, noise_shape: Sequence[int | None] | TFTensor = None
) -> TFTensor:
    """
    :param rate: probability with which an entry is set to 0; other entries are divided by 1 - rate
    :param noise_shape: 1 shares the mask along an axis, None or -1 does not
    :raises NetworkError: for a rate that is not at least 0 and below 1
    """
    x = tf.convert_to_tensor(x)
    if isinstance(rate, bool) or (isinstance(rate, int | float) and not 0 <= rate < 1):
        raise NetworkError(f"dropout: found a rate of {rate!r}, expected a number from 0 to below 1")
    shape = tf.shape(x)
    if noise_shape is not None:
        asked = noise_shape if tf.is_tensor(noise_shape) else [-1 if n is None else n for n in noise_shape]
        shape = tf.where(tf.equal(asked, -1), shape, asked)
    rate = tf.cast(rate, x.dtype)
    kept = tf.random.stateless_uniform(shape, seed, dtype=x.dtype) >= rate
    return tf.where(kept, x / (1 - rate), tf.zeros_like(x))


def _in_layers(function: Callable, original: Callable, order: tuple[str, ...]) -> Callable:
    """
    :param function: one of the above, with a seed as its first argument
    :param original: TensorFlow's function
    :param order: names of the original's positional arguments
    """

    @functools.wraps(original)
    def drawn(*args: Any, **kwargs: Any) -> TFTensor:
        code = running_code()
        if code is None:
            return original(*args, **kwargs)
        given = dict(zip(order, args, strict=False)) | kwargs
        given = {_RENAMED.get(key, key): value for key, value in given.items() if key != "name" and value is not None}
        if "keep_prob" in given:
            given["rate"] = 1 - given.pop("keep_prob")
        return function(code.seed(given.pop("seed", None)), **given)

    return drawn


_RENAMED = {"output_dtype": "dtype"}
_UNIFORM = (uniform, ("shape", "minval", "maxval", "dtype", "seed"))
_NORMAL = (normal, ("shape", "mean", "stddev", "dtype", "seed"))
_TRUNCATED_NORMAL = (truncated_normal, ("shape", "mean", "stddev", "dtype", "seed"))
_SHUFFLE = (shuffle, ("value", "seed"))
_CROP = (random_crop, ("value", "size", "seed"))
_GAMMA = (gamma, ("shape", "alpha", "beta", "dtype", "seed"))
_MULTINOMIAL = (categorical, ("logits", "num_samples", "seed", "name", "output_dtype"))

DRAWN: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "random.uniform": _UNIFORM,
    "random_uniform": _UNIFORM,
    "random.normal": _NORMAL,
    "random_normal": _NORMAL,
    "random.truncated_normal": _TRUNCATED_NORMAL,
    "truncated_normal": _TRUNCATED_NORMAL,
    "random.shuffle": _SHUFFLE,
    "random_shuffle": _SHUFFLE,
    "random_crop": _CROP,
    "image.random_crop": _CROP,
    "random.categorical": (categorical, ("logits", "num_samples", "dtype", "seed")),
    "random.multinomial": _MULTINOMIAL,
    "multinomial": _MULTINOMIAL,
    "random.gamma": _GAMMA,
    "random_gamma": _GAMMA,
    "random.poisson": (poisson, ("shape", "lam", "dtype", "seed")),
    "random_poisson": (poisson, ("lam", "shape", "dtype", "seed")),
}
"""Name in `tf` → function above, and names of the original's positional arguments. `nn.dropout` is in `tensorflow1_calls`."""


def drawn(name: str, original: Callable) -> Callable:
    """
    :param name: a key of `DRAWN`
    :return: function that code in net dicts calls by that name
    """
    function, order = DRAWN[name]
    return _in_layers(function, original, order)


def drawn_dropout(original: Callable, order: tuple[str, ...]) -> Callable:
    """
    :param order: names of positional arguments, in TensorFlow 1 or 2
    """
    return _in_layers(dropout, original, order)


STATEFUL = frozenset(
    [
        "image.random_brightness",
        "image.random_contrast",
        "image.random_flip_left_right",
        "image.random_flip_up_down",
        "image.random_hue",
        "image.random_jpeg_quality",
        "image.random_saturation",
        "image.sample_distorted_bounding_box",
        "nn.experimental.general_dropout",
        "nn.fractional_avg_pool",
        "nn.fractional_max_pool",
        "nn.nce_loss",
        "nn.sampled_softmax_loss",
        "random.Generator",
        "random.all_candidate_sampler",
        "random.experimental.Generator",
        "random.experimental.get_global_generator",
        "random.fixed_unigram_candidate_sampler",
        "random.get_global_generator",
        "random.learned_unigram_candidate_sampler",
        "random.log_uniform_candidate_sampler",
        "random.set_global_generator",
        "random.set_random_seed",
        "random.set_seed",
        "random.uniform_candidate_sampler",
        "set_random_seed",
    ]
)
"""Names in `tf` of functions that draw from a state of the process. They are refused."""
