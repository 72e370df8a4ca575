"""TensorFlow's random functions, drawn from the stream of the layer whose code calls them.

The originals keep a state in the process, so that a training which was stopped and goes on would not be the one that was
not stopped. Here numbers follow from the seed, the step, the layer and the number of the call; see `LayerRun.drop`. Outside
of layers there is no stream, and the originals are called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.code.running import running_code


def uniform(seed, shape, minval=0, maxval=None, dtype=None):
    dtype = tf.as_dtype(dtype or tf.float32)
    if maxval is None and not dtype.is_floating:
        raise NetworkError(f"random_uniform: found no maxval, expected one as the numbers are {dtype.name}")
    return tf.random.stateless_uniform(shape, seed, minval, 1 if maxval is None else maxval, dtype)


def normal(seed, shape, mean=0.0, stddev=1.0, dtype=None):
    return tf.random.stateless_normal(shape, seed, mean, stddev, dtype or tf.float32)


def truncated_normal(seed, shape, mean=0.0, stddev=1.0, dtype=None):
    return tf.random.stateless_truncated_normal(shape, seed, mean, stddev, dtype or tf.float32)


def shuffle(seed, value):
    """Of the entries along the first axis."""
    return tf.random.experimental.stateless_shuffle(value, seed)


def random_crop(seed, value, size):
    return tf.image.stateless_random_crop(value, size, seed)


def categorical(seed, logits, num_samples, dtype=None):
    return tf.random.stateless_categorical(logits, num_samples, seed, dtype or tf.int64)


def gamma(seed, shape, alpha, beta=None, dtype=None):
    dtype = dtype or tf.float32
    alpha = tf.convert_to_tensor(alpha, dtype)
    beta = tf.ones_like(alpha) if beta is None else tf.convert_to_tensor(beta, dtype)
    full = tf.concat([tf.cast(shape, tf.int32), tf.shape(alpha + beta)], 0)
    return tf.random.stateless_gamma(full, seed, alpha, beta, dtype)


def poisson(seed, shape, lam, dtype=None):
    dtype = dtype or tf.float32
    lam = tf.convert_to_tensor(lam, dtype)
    return tf.random.stateless_poisson(tf.concat([tf.cast(shape, tf.int32), tf.shape(lam)], 0), seed, lam, dtype)


def dropout(seed, x, rate=None, noise_shape=None):
    """:return: entries of `x` set to 0 with probability `rate`, the others divided by 1 - rate"""
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
    :param function: takes a seed first
    :param original: TensorFlow's
    :param order: names of the arguments in the original, where they are given by position
    """

    @functools.wraps(original)
    def drawn(*args, **kwargs):
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

DRAWN = {
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
"""Name in `tf` → function of a seed, and the order of the original's arguments. `nn.dropout` is in `changed`."""


def drawn(name: str, original: Callable) -> Callable:
    """
    :param name: one of `DRAWN`
    :return: what code in net dicts calls by that name
    """
    function, order = DRAWN[name]
    return _in_layers(function, original, order)


def drawn_dropout(original: Callable, order: tuple[str, ...]) -> Callable:
    """
    :param order: that of TensorFlow 1 or that of 2
    """
    return _in_layers(dropout, original, order)


STATEFUL = frozenset(
    {
        *(
            "random.Generator",
            "random.get_global_generator",
            "random.set_global_generator",
            "random.all_candidate_sampler",
        ),
        *("random.log_uniform_candidate_sampler", "random.learned_unigram_candidate_sampler", "random.set_random_seed"),
        *(
            "random.fixed_unigram_candidate_sampler",
            "random.uniform_candidate_sampler",
            "random.set_seed",
            "set_random_seed",
        ),
        *("random.experimental.Generator", "random.experimental.get_global_generator"),
        *("image.random_brightness", "image.random_contrast", "image.random_flip_left_right", "image.random_hue"),
        *("image.random_flip_up_down", "image.random_jpeg_quality", "image.random_saturation"),
        *("image.sample_distorted_bounding_box", "nn.fractional_avg_pool", "nn.fractional_max_pool"),
        *("nn.sampled_softmax_loss", "nn.nce_loss", "nn.experimental.general_dropout"),
    }
)
"""Names in `tf` of what draws from a state of the process: refused."""
