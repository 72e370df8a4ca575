"""The columns of a matrix in another order, block by block, as the gates of an LSTM."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from boulder.lazy import TFTensor, tf

BLOCK_LSTM = ("input", "cell_in", "forget", "output")
"""order of the gates in TensorFlow's operation BlockLSTM"""


def reordered(columns: TFTensor, order: Sequence[int], train: bool) -> TFTensor:
    """
    :param columns: [..., n · number of blocks]
    :param order: for each place, the number of the block that comes there
    :param train: whether a gradient is likely needed: two operations then compute it, and not a dozen as for TensorFlow's own
    :return: of the same shape
    """
    if not train:
        return _put(columns, order)
    back = [order.index(block) for block in range(len(order))]

    @tf.custom_gradient
    def compute(columns: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        return _put(columns, order), lambda gradient: _put(gradient, back)

    result: TFTensor = compute(tf.convert_to_tensor(columns))
    return result


def _put(columns: TFTensor, order: Sequence[int]) -> TFTensor:
    blocks = tf.split(columns, len(order), axis=-1)
    return tf.concat([blocks[block] for block in order], axis=-1)
