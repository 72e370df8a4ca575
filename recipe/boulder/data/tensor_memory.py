"""Arrays that become tensors without a copy: new memory, aligned as TensorFlow's kernels need it, and passed on by DLPack.

`tf.convert_to_tensor` copies each array into memory of TensorFlow, which takes as long as reading a batch from an HDF file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from boulder.lazy import TFTensor, tf

_ALIGNMENT = 64  # bytes, as TensorFlow's own allocator
_LEAST = 1 << 16  # bytes; smaller arrays are copied


class _Memory(bytearray):
    """The bytes of one array, which tell that Boulder made it."""


def aligned_zeros(shape: Sequence[int], dtype: str) -> np.ndarray:
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < _LEAST:
        return np.zeros(shape, dtype)
    memory = _Memory(size + _ALIGNMENT)
    start = np.frombuffer(memory, np.uint8).ctypes.data
    return np.ndarray(shape, dtype, buffer=memory, offset=-start % _ALIGNMENT)


def as_tensor(array: np.ndarray) -> TFTensor:
    """:return: on the CPU. A whole array of `aligned_zeros` is the tensor's memory from now on, and must not be written to"""
    memory: Any = array.base
    is_whole = isinstance(memory, _Memory) and len(memory) == array.nbytes + _ALIGNMENT and array.flags.c_contiguous
    if is_whole and array.dtype.kind in "fiu":
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    with tf.device("CPU:0"):
        return tf.convert_to_tensor(array)
