"""Initial values of parameters, in NumPy: a function of (seed, path, shape) and of nothing else.

So a new layer gets the same values whether it is made in the first job or the last, alone or among others. The shape is
part of it, so that what is new in a parameter that grew is not a copy of its old initial values.
"""

import hashlib
import math

import numpy

from boulder.errors import NetworkError, nearest


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """:return: (fan in, fan out), with the last two axes as input and output and all before as a receptive field"""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _glorot_uniform(random, shape):
    """Glorot & Bengio 2010: U(-a, a) with a = sqrt(6 / (fan in + fan out))"""
    limit = math.sqrt(6 / sum(_fans(shape)))
    return random.uniform(-limit, limit, shape)


def _glorot_normal(random, shape):
    return random.normal(0, math.sqrt(2 / sum(_fans(shape))), shape)


def _he_normal(random, shape):
    """He et al. 2015: N(0, 2 / fan in)"""
    return random.normal(0, math.sqrt(2 / _fans(shape)[0]), shape)


def _orthogonal(random, shape):
    """Saxe et al. 2014: Q of a QR decomposition, its signs made unique by R's diagonal"""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = numpy.linalg.qr(random.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * numpy.sign(numpy.diag(r))
    return (q if rows >= columns else q.T).reshape(shape)


INITIALIZERS = {
    "glorot_uniform": _glorot_uniform,
    "xavier": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he_normal": _he_normal,
    "orthogonal": _orthogonal,
    "zeros": lambda _random, shape: numpy.zeros(shape),
    "ones": lambda _random, shape: numpy.ones(shape),
}


def check(init: str | float, where: str) -> None:
    """:raises NetworkError: if `init` names no initializer"""
    if isinstance(init, str) and init not in INITIALIZERS:
        raise NetworkError(f"{where}: unknown initializer {init!r}{nearest(init, INITIALIZERS)}")


def initial_value(init: str | float, shape: tuple[int, ...], seed: int, path: str, dtype: str = "float32"):
    """
    :param init: a name of `INITIALIZERS`, or a number for a constant
    :param path: the parameter's path; with `seed` and `shape` it selects the random stream
    :return: array of `shape`
    """
    if not isinstance(init, str):
        return numpy.full(shape, init, dtype)
    digest = hashlib.sha256(f"{seed}:{path}:{shape}".encode()).digest()
    random = numpy.random.Generator(numpy.random.Philox(key=int.from_bytes(digest[:16], "big")))
    return INITIALIZERS[init](random, shape).astype(dtype)
