"""LSTMs over whole sequences, with one of two gradients. The outputs are those of TensorFlow's operation BlockLSTM in both cases.

- "fused": BlockLSTM's own gradient, one operation. It adds to the gradient of the matrix in each frame, so it reads and writes as
  many values as the matrix has in each frame.
- "loop": a loop over the frames, from the last to the first, for the gradients of the gates alone. From these follow the gradients
  of the matrix, the bias and the input, in one product each for all frames:

      ∂gates_t, ∂c_{t-1} = (∂h_t, ∂c_t) through the formulas of frame t, operation LSTMBlockCellGrad
      ∂h_{t-1} = ∂gates_t·Rᵀ
      ∂W = Xᵀ·∂gates,  ∂R = H_prevᵀ·∂gates,  ∂b = Σ ∂gates,  ∂X = ∂gates·Wᵀ

- "cudnn": outputs and gradients of cuDNN, see `boulder.network.units.cudnn_kernel`.
- "step": no kernel but a loop of the unit's `step`, which alone can be differentiated twice.

Neither gradient depends on anything but its operands in a fixed order, so both give the same bits again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from boulder.lazy import TFTensor, tf

Kernel = Literal["fused", "loop", "cudnn", "step"]

LOOP_FROM = 2**16
"""number of entries of W and R from which the loop is faster on a CPU: it costs some 30 µs per frame, see bench/lstm.py"""


def chosen(weights: int) -> Kernel:
    """
    The choice depends on the network and on the kind of device only, so that a job that resumes computes the same bits.

    :param weights: number of entries of W and R
    :return: the faster kernel
    """
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return "loop" if weights >= LOOP_FROM and not on_gpu else "fused"


def fused(
    x: TFTensor, c: TFTensor, h: TFTensor, matrix: TFTensor, bias: TFTensor, forget_bias: float
) -> tuple[TFTensor, TFTensor]:
    """
    :param x: [T, N, n_in]
    :param c: before the first frame, [N, n]
    :param h: likewise
    :param matrix: W above R, [n_in + n, 4·n]; the columns are those of the input gate, cell input, forget gate, output gate
    :param bias: [4·n]
    :return: c and h after each frame, [T, N, n]
    """
    values = _block_lstm(x, c, h, matrix, bias, forget_bias)
    return values.cs, values.h


def with_loop_gradient(
    x: TFTensor, c: TFTensor, h: TFTensor, matrix: TFTensor, bias: TFTensor, forget_bias: float
) -> tuple[TFTensor, TFTensor]:
    """:return: as `fused`"""

    @tf.custom_gradient
    def compute(
        x: TFTensor, c: TFTensor, h: TFTensor, matrix: TFTensor, bias: TFTensor
    ) -> tuple[tuple[TFTensor, TFTensor], Callable[..., tuple[TFTensor, ...]]]:
        values = _block_lstm(x, c, h, matrix, bias, forget_bias)

        def gradient(of_c: TFTensor, of_h: TFTensor) -> tuple[TFTensor, ...]:
            n, n_in = c.shape[-1], x.shape[-1]
            of_gates, of_first_c, of_first_h = _through_time(values, c, matrix[n_in:], of_c, of_h)
            rows = tf.reshape(of_gates, [-1, 4 * n])
            previous = tf.concat([h[None], values.h], axis=0)[:-1]
            inputs = tf.reshape(tf.concat([x, previous], axis=-1), [-1, n_in + n])
            of_matrix = tf.matmul(inputs, rows, transpose_a=True)
            of_x = tf.reshape(tf.matmul(rows, matrix[:n_in], transpose_b=True), tf.shape(x))
            return of_x, of_first_c, of_first_h, of_matrix, tf.reduce_sum(rows, axis=0)

        return (values.cs, values.h), gradient

    result: tuple[TFTensor, TFTensor] = compute(x, c, h, matrix, bias)
    return result


def _through_time(
    values: TFTensor, first_c: TFTensor, recurrent: TFTensor, of_c: TFTensor, of_h: TFTensor
) -> tuple[TFTensor, TFTensor, TFTensor]:
    """
    :param values: results of BlockLSTM
    :param first_c: [N, n]
    :param recurrent: R, [n, 4·n]
    :param of_c: gradient of c after each frame, [T, N, n]
    :param of_h: likewise
    :return: gradients of the gates before the activation functions, [T, N, 4·n], and of the first c and h
    """
    frames, n = tf.shape(of_h)[0], recurrent.shape[0]
    transposed = tf.transpose(
        recurrent
    )  # a product with the transposed matrix takes nearly twice as long, frame by frame
    cells = tf.concat([first_c[None], values.cs], axis=0)
    unused, zero, no_bias = tf.zeros([tf.shape(first_c)[0], 0]), tf.zeros([n]), tf.zeros([4 * n])

    def body(t: TFTensor, of_c_t: TFTensor, of_h_t: TFTensor, of_gates: TFTensor) -> tuple[TFTensor, ...]:
        found = tf.raw_ops.LSTMBlockCellGrad(
            # it does not compute the products, and reads the shapes of their operands only
            x=unused, h_prev=first_c, w=recurrent, b=no_bias,
            cs_prev=cells[t], cs=cells[t + 1],
            i=values.i[t], f=values.f[t], o=values.o[t], ci=values.ci[t], co=values.co[t],
            cs_grad=of_c_t + of_c[t], h_grad=of_h_t + of_h[t],
            wci=zero, wcf=zero, wco=zero, use_peephole=False,
        )  # fmt: skip
        before = tf.matmul(found.dicfo, transposed)
        return t - 1, found.cs_prev_grad, before, of_gates.write(t, found.dicfo)

    # a last entry, so that there is something to stack even without a frame
    array = tf.TensorArray(of_h.dtype, size=frames + 1, element_shape=[None, 4 * n])
    array = array.write(frames, tf.zeros([tf.shape(first_c)[0], 4 * n]))
    none = tf.zeros_like(first_c)
    _, of_first_c, of_first_h, of_gates = tf.while_loop(
        lambda t, *_: t >= 0, body, (frames - 1, none, none, array), maximum_iterations=frames
    )
    return of_gates.stack()[:-1], of_first_c, of_first_h


def _block_lstm(
    x: TFTensor, c: TFTensor, h: TFTensor, matrix: TFTensor, bias: TFTensor, forget_bias: float
) -> TFTensor:
    """:return: all results of BlockLSTM"""
    zero = tf.zeros([matrix.shape[1] // 4], x.dtype)
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(tf.shape(x)[0], tf.int64),
        x=x,
        cs_prev=c,
        h_prev=h,
        w=matrix,
        wci=zero,
        wcf=zero,
        wco=zero,
        b=bias,
        forget_bias=forget_bias,
        cell_clip=-1.0,
        use_peephole=False,
    )
