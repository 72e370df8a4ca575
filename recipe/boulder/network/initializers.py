"""Initial values of parameters, in NumPy, as a function of (seed, path, shape) only.

A new layer therefore gets the same values in any job and beside any other layers. The function depends on the shape, so that
the new entries of a grown parameter do not repeat its old initial values.
"""

import ast
import hashlib
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy

from boulder.errors import NetworkError, nearest

Shape: TypeAlias = tuple[int, ...]
Initializer: TypeAlias = Callable[..., numpy.ndarray]
"""(random, shape, arguments) → values"""


def _fans(shape: Shape) -> tuple[int, int]:
    """:return: (fan in, fan out); the last two axes are input and output, the axes before them a receptive field"""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _truncated_normal(
    random: numpy.random.Generator, shape: Shape, mean: float = 0.0, stddev: float = 0.05
) -> numpy.ndarray:
    """Draws again values that are more than two standard deviations from the mean."""
    values = random.normal(size=shape)
    while (far := numpy.abs(values) > 2).any():
        values[far] = random.normal(size=far.sum())
    return mean + stddev * values


def _variance_scaling(
    random: numpy.random.Generator,
    shape: Shape,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
) -> numpy.ndarray:
    """Draws values with variance scale / fan; uniform values are in (-a, a) with a = sqrt(3 · scale / fan)."""
    fan_in, fan_out = _fans(shape)
    fan = max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode])
    if distribution == "uniform":
        limit = math.sqrt(3 * scale / fan)
        return random.uniform(-limit, limit, shape)
    deviation = math.sqrt(scale / fan)
    if distribution == "untruncated_normal":
        return random.normal(0, deviation, shape)
    if distribution not in ("normal", "truncated_normal"):
        raise KeyError(distribution)
    return _truncated_normal(random, shape, 0.0, deviation / _DEVIATION_WITHIN_TWO)


_DEVIATION_WITHIN_TWO = 0.87962566103423978  # standard deviation of a normal distribution truncated to ±2


def _orthogonal(random: numpy.random.Generator, shape: Shape, gain: float = 1.0) -> numpy.ndarray:
    """Returns Q of a QR decomposition, with the signs of R's diagonal (Saxe et al. 2014)."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = numpy.linalg.qr(random.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * numpy.sign(numpy.diag(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


def _scaled(scale: float, mode: str, distribution: str) -> Initializer:
    return lambda random, shape: _variance_scaling(random, shape, scale, mode, distribution)


_glorot_uniform = _scaled(1.0, "fan_avg", "uniform")  # Glorot & Bengio 2010

INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _glorot_uniform,
    "xavier": _glorot_uniform,
    "glorot_normal": _scaled(1.0, "fan_avg", "untruncated_normal"),
    "he_normal": _scaled(2.0, "fan_in", "untruncated_normal"),  # He et al. 2015
    "he_uniform": _scaled(2.0, "fan_in", "uniform"),
    "lecun_normal": _scaled(1.0, "fan_in", "truncated_normal"),
    "lecun_uniform": _scaled(1.0, "fan_in", "uniform"),
    "variance_scaling": _variance_scaling,
    "orthogonal": _orthogonal,
    "identity": lambda _random, shape, gain=1.0: gain * numpy.eye(*shape),
    "random_normal": lambda random, shape, mean=0.0, stddev=0.05: random.normal(mean, stddev, shape),
    "random_uniform": lambda random, shape, minval=-0.05, maxval=0.05: random.uniform(minval, maxval, shape),
    "truncated_normal": _truncated_normal,
    "constant": lambda _random, shape, value=0.0: numpy.full(shape, value),
    "blocks": lambda _random, shape, values=(0.0,): numpy.broadcast_to(
        numpy.repeat(values, -(-shape[-1] // len(values)))[: shape[-1]], shape
    ),  # one constant for each of several parts of the last axis, which have the same size
    "values": lambda _random, shape, values=(0.0,): numpy.resize(values, shape),
    "zeros": lambda _random, shape: numpy.zeros(shape),
    "ones": lambda _random, shape: numpy.ones(shape),
}
_CLASSES = {
    "VarianceScaling": "variance_scaling",
    "RandomNormal": "random_normal",
    "RandomUniform": "random_uniform",
    "TruncatedNormal": "truncated_normal",
    "Constant": "constant",
    "Orthogonal": "orthogonal",
    "Identity": "identity",
    "Zeros": "zeros",
    "Ones": "ones",
    "GlorotUniform": "glorot_uniform",
    "GlorotNormal": "glorot_normal",
}
"""TensorFlow's name → name in `INITIALIZERS`"""

Init = str | float | dict
"""An initializer in a net dict: a number for a constant; a name of `INITIALIZERS` or `_CLASSES`, optionally followed by
`_initializer`; such a name with arguments, "variance_scaling_initializer(mode='fan_in', distribution='uniform', scale=0.78)";
or a dict, {"class": "VarianceScaling", "scale": 0.78}."""


def as_text(init: Init) -> str | float:
    """:return: `init`, a dict converted to a name with arguments"""
    if not isinstance(init, dict):
        return init
    return f"{init.get('class')}({', '.join(f'{k}={v!r}' for k, v in sorted(init.items()) if k != 'class')})"


def _read(init: str) -> tuple[str, list[Any], dict[str, Any]]:
    """
    :return: name in `INITIALIZERS`, positional and named arguments
    :raises ValueError: if it is not a name or a call with constants
    """
    call = ast.parse(init.strip(), mode="eval").body
    arguments: list[Any] = []
    named: dict[str, Any] = {}
    if isinstance(call, ast.Call):
        arguments = [ast.literal_eval(argument) for argument in call.args]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        call = call.func
    name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
    name = name.removesuffix("_initializer")
    # the seed is the training's, and the dtype the parameter's
    return _CLASSES.get(name, name), arguments, {k: v for k, v in named.items() if k not in ("seed", "dtype")}


def check(init: str | float, where: str) -> None:
    """:raises NetworkError: if `init` is not an initializer"""
    if isinstance(init, str) and (problem := _problem(init)):
        raise NetworkError(f"{where}: {problem}")


@cache
def _problem(init: str) -> str | None:
    """:return: why it is not an initializer. A network has hundreds of parameters with few initializers"""
    try:
        name, arguments, named = _read(init)
    except (SyntaxError, ValueError):
        return f"{init!r} is not an initializer; expected a name, or a call with numbers"
    if name not in INITIALIZERS:
        return f"unknown initializer {init!r}{nearest(init, INITIALIZERS)}"
    try:
        INITIALIZERS[name](numpy.random.default_rng(0), (2, 2), *arguments, **named)
    except (TypeError, ValueError, KeyError) as error:
        return f"initializer {init!r} cannot be called: {error}"
    return None


def initial_value(
    init: str | float, shape: Sequence[int], seed: int, path: str, dtype: str = "float32"
) -> numpy.ndarray:
    """
    :param init: result of `as_text`
    :param path: path of the parameter, which with `seed` and `shape` selects the random stream
    :return: array of `shape`
    """
    if not isinstance(init, str):
        return numpy.full(shape, init, dtype)
    digest = hashlib.sha256(f"{seed}:{path}:{shape}".encode()).digest()
    random = numpy.random.Generator(numpy.random.Philox(key=int.from_bytes(digest[:16], "big")))
    name, arguments, named = _read(init)
    return INITIALIZERS[name](random, shape, *arguments, **named).astype(dtype)
