"""Whether cuDNN computes LSTMs on this machine, found out by a small one.

TensorFlow documents neither the order of cuDNN's parameters nor whether its bits repeat, and with some drivers it fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np

from boulder.lazy import TFTensor, tf
from boulder.network.units.block_order import BLOCK_LSTM
from boulder.network.units.cudnn_kernel import lstm, parameters
from boulder.network.units.lstm_kernel import fused

_LENGTHS, _N_IN, _N = (8, 0, 5, 1, 8), 16, 32
_TOLERANCE = 0.02
"""largest difference of a correct result, relative: some GPUs round the operands of products to 11 bits"""

_portable: ContextVar[bool] = ContextVar("portable", default=False)


class Trial(NamedTuple):
    """
    :param fault: why cuDNN does not compute LSTMs here; "" if it does
    :param repeats: whether it gives the same bits again
    """

    fault: str
    repeats: bool


def why_not_cudnn(is_forced: bool) -> str:
    """
    :param is_forced: whether a layer asks for cuDNN; otherwise cuDNN computes it only if the bits repeat
    :return: why cuDNN does not compute LSTMs here; "" if it does
    """
    if _portable.get():
        return "the network must run without a GPU, too"
    return trial().fault or ("" if is_forced else remark())


def remark() -> str:
    """:return: what keeps Boulder from choosing cuDNN on this machine, though it has a GPU"""
    if not tf.config.get_visible_devices("GPU"):
        return ""
    fault, repeats = trial()
    return fault or ("" if repeats else "cuDNN's LSTM gives other bits each time on this machine")


@contextmanager
def portable() -> Iterator[None]:
    """Context of a network that other machines will run: it does without cuDNN."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


@functools.cache
def trial() -> Trial:
    """:return: how cuDNN's results and gradients compare with those of TensorFlow's operation on the CPU, and with its own"""
    if not tf.config.get_visible_devices("GPU"):
        return Trial("TensorFlow finds no GPU", False)
    with ThreadPoolExecutor(1) as thread:  # which knows nothing of a graph that may be traced here
        return thread.submit(_compared).result()


def _compared() -> Trial:
    try:
        found, again = _results(_by_cudnn), _results(_by_cudnn)
    except tf.errors.OpError as error:
        first_line = error.message.partition("\n")[0]
        return Trial(f"cuDNN's LSTM fails on this machine: {first_line:.200}", False)
    with tf.device("CPU:0"):
        expected = _results(_by_tensorflow)
    difference = max(
        np.abs(one - other).max() / np.abs(other).max() for one, other in zip(found, expected, strict=True)
    )
    if not difference < _TOLERANCE:
        return Trial(f"cuDNN's LSTM differs from TensorFlow's by {difference:.2g} on this machine", False)
    return Trial("", all(np.array_equal(one, other) for one, other in zip(found, again, strict=True)))


def _by_cudnn(x: TFTensor, c: TFTensor, h: TFTensor, matrix: TFTensor, bias: TFTensor) -> list[TFTensor]:
    params = parameters(matrix[:_N_IN], matrix[_N_IN:], bias, BLOCK_LSTM, 1.0, train=True)
    return list(lstm(x, c, h, params, tf.constant(_LENGTHS)))


def _by_tensorflow(x: TFTensor, c: TFTensor, h: TFTensor, matrix: TFTensor, bias: TFTensor) -> list[TFTensor]:
    cells, outputs = fused(x, c, h, matrix, bias, 1.0)
    last = tf.stack([_LENGTHS, range(len(_LENGTHS))], axis=1)
    return [
        outputs,
        *(tf.gather_nd(tf.concat([first[None], states], 0), last) for first, states in ((c, cells), (h, outputs))),
    ]


def _results(compute: Callable[..., list[TFTensor]]) -> list[np.ndarray]:
    """:return: outputs, the last c and h, and the gradients in terms of all operands"""
    rng = np.random.default_rng(0)
    rows, frames = len(_LENGTHS), max(_LENGTHS)
    shapes = [(frames, rows, _N_IN), (rows, _N), (rows, _N), (_N_IN + _N, 4 * _N), (4 * _N,)]
    operands = [tf.constant(rng.normal(size=shape, scale=shape[-2:][0] ** -0.5), tf.float32) for shape in shapes]
    with tf.GradientTape() as tape:
        tape.watch(operands)
        output, *last = compute(*operands)
        found = [output * tf.transpose(tf.sequence_mask(_LENGTHS, dtype=tf.float32))[..., None], *last]
        objective = tf.add_n([tf.reduce_sum(tf.sin(value)) for value in found])
    return [value.numpy() for value in (*found, *tape.gradient(objective, operands))]
