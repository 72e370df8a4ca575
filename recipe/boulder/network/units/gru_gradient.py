"""The gradient of the GRU over whole sequences, with the products for the gradients of weights taken from the loop over the frames.

    ∂u_t = ∂h_t·(h_{t-1} - z_t)·u_t·(1 - u_t),    ∂z_t = ∂h_t·(1 - u_t)·(1 - z_t²)
    ∂r_t = (∂z_t·R_zᵀ)·h_{t-1}·r_t·(1 - r_t)
    ∂h_{t-1} = ∂h_t·u_t + (∂z_t·R_zᵀ)·r_t + [∂r_t, ∂u_t]·R_ruᵀ

Gates and candidates of all frames are computed again from the outputs, in two products, so that the outputs are all that is kept.
"""

from __future__ import annotations

from boulder.lazy import TFTensor, tf
from boulder.network.precision import product


def gru_gradient(
    x: TFTensor, before: TFTensor, of_gates: TFTensor, of_candidate: TFTensor, of_h: TFTensor
) -> tuple[TFTensor, TFTensor, TFTensor, TFTensor]:
    """
    :param x: projected input: of the reset gate, the update gate and the candidate, [T, N, 3·n]
    :param before: h before each frame, [T, N, n]
    :param of_gates: R_ru, [n, 2·n]
    :param of_candidate: R_z, [n, n]
    :param of_h: gradient of h after each frame, [T, N, n]
    :return: gradients of `x`, of the first h, of R_ru and of R_z
    """
    n, shape = before.shape[-1], tf.shape(before)
    rows = tf.reshape(before, [-1, n])
    inputs = tf.reshape(x, [-1, 3 * n])
    gates = tf.sigmoid(inputs[:, : 2 * n] + product(tf.matmul, rows, of_gates))
    r, u = gates[:, :n], gates[:, n:]
    z = tf.tanh(inputs[:, 2 * n :] + product(tf.matmul, r * rows, of_candidate))
    slopes = [(rows - z) * u * (1 - u), (1 - u) * (1 - z * z), rows * r * (1 - r), u, r]
    to_u, to_z, to_r, carried, reset = (tf.reshape(slope, shape) for slope in slopes)
    # a product with a transposed matrix takes nearly twice as long, frame by frame
    gates_back, candidate_back = tf.transpose(of_gates), tf.transpose(of_candidate)

    def body(t: TFTensor, of_h_t: TFTensor, found: TFTensor) -> tuple[TFTensor, ...]:
        of_h_t += of_h[t]
        of_z = of_h_t * to_z[t]
        of_reset_h = product(tf.matmul, of_z, candidate_back)
        of_ru = tf.concat([of_reset_h * to_r[t], of_h_t * to_u[t]], axis=-1)
        of_before = of_h_t * carried[t] + of_reset_h * reset[t] + product(tf.matmul, of_ru, gates_back)
        return t - 1, of_before, found.write(t, tf.concat([of_ru, of_z], axis=-1))

    frames, none = shape[0], tf.ensure_shape(tf.zeros(shape[1:]), [None, n])
    array = tf.TensorArray(of_h.dtype, size=frames + 1, element_shape=[None, 3 * n])
    array = array.write(frames, tf.zeros([shape[1], 3 * n]))  # something to stack even without a frame
    _, of_first, found = tf.while_loop(lambda t, *_: t >= 0, body, (frames - 1, none, array), maximum_iterations=frames)
    of_x = found.stack()[:-1]
    of_rows = tf.reshape(of_x, [-1, 3 * n])
    of_r_ru = product(lambda a, b: tf.matmul(a, b, transpose_a=True), rows, of_rows[:, : 2 * n])
    of_r_z = product(lambda a, b: tf.matmul(a, b, transpose_a=True), r * rows, of_rows[:, 2 * n :])
    return of_x, of_first, of_r_ru, of_r_z
