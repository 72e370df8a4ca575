"""LSTMs over whole sequences by cuDNN, with TensorFlow's operation CudnnRNNV3. It exists on GPUs only.

    c_t = σ(f)·c_{t-1} + σ(i)·tanh(z),  h_t = σ(o)·tanh(c_t),  [i, f, z, o] = W·x_t + b + R·h_{t-1} + b'

cuDNN takes the parameters as one vector: W, [4·n, n_in], and R, [4·n, n], row by row, then b and b'. Here b' is the forget bias.

TensorFlow keeps cuDNN's description of a layer for each shape of a batch, and describes with or without padding as the first batch of
that shape needs it. So that neither the numbers nor the bits depend on which batch came first, each batch has a frame of padding here.
Sequences without a frame, for which cuDNN has no result, are given one; the states after it are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from boulder.lazy import TFTensor, tf
from boulder.network.units.block_order import reordered

CUDNN = ("input", "forget", "cell_in", "output")
"""order of the gates in cuDNN"""


class CudnnStates(NamedTuple):
    """
    :param output: h after each frame, [T, N, n]; in the padding, any finite values
    :param c: after the last frame of each sequence, [N, n]
    :param h: likewise
    """

    output: TFTensor
    c: TFTensor
    h: TFTensor


def parameters(
    forward: TFTensor, recurrent: TFTensor, bias: TFTensor, gates: Sequence[str], forget_bias: float, train: bool
) -> TFTensor:
    """
    :param forward: W, [n_in, 4·n], with the columns in the order `gates`
    :param recurrent: R, [n, 4·n]
    :param bias: b, [4·n]
    :param gates: a permutation of `CUDNN`
    :param train: see `reordered`
    :return: the vector that cuDNN takes, [4·n·(n_in + n + 2)]
    """
    order = [gates.index(gate) for gate in CUDNN]
    matrices = [tf.reshape(tf.transpose(reordered(matrix, order, train)), [-1]) for matrix in (forward, recurrent)]
    second_bias = np.repeat([forget_bias * (gate == "forget") for gate in CUDNN], recurrent.shape[0])
    return tf.concat([*matrices, reordered(bias, order, train), tf.constant(second_bias, bias.dtype)], axis=0)


def lstm(x: TFTensor, c: TFTensor, h: TFTensor, params: TFTensor, lengths: TFTensor) -> CudnnStates:
    """
    :param x: [T, N, n_in]
    :param c: before the first frame, [N, n]
    :param h: likewise
    :param params: see `parameters`
    :param lengths: int32 [N]
    """
    frames, rows = tf.shape(x)[0], tf.shape(x)[1]
    further_rows = [0, tf.maximum(1 - rows, 0)]  # cuDNN needs one
    is_frame = tf.transpose(tf.sequence_mask(lengths, frames))[..., None]
    x = tf.where(is_frame, x, 0.0)  # its gradient in the padding, which cuDNN may leave as it is, is 0 then
    found = tf.raw_ops.CudnnRNNV3(
        input=tf.pad(x, [[0, 1], further_rows, [0, 0]]),
        input_h=tf.pad(h, [further_rows, [0, 0]])[None],
        input_c=tf.pad(c, [further_rows, [0, 0]])[None],
        params=params,
        sequence_lengths=tf.pad(tf.maximum(lengths, 1), [further_rows], constant_values=1),
        rnn_mode="lstm",
        is_training=True,  # as a layer may ask for gradients outside of training, too
        time_major=True,
    )
    is_empty = (lengths == 0)[:, None]
    return CudnnStates(
        found.output[:frames, :rows],
        tf.where(is_empty, c, found.output_c[0, :rows]),
        tf.where(is_empty, h, found.output_h[0, :rows]),
    )
