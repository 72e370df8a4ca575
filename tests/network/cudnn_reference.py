"""cuDNN's LSTM by NVIDIA's documented formulas, with the arguments of TensorFlow's operation CudnnRNNV3. Eager, on a CPU."""

from typing import NamedTuple

import tensorflow as tf


class Results(NamedTuple):
    output: tf.Tensor
    output_h: tf.Tensor
    output_c: tf.Tensor


def _without_gradient_in_padding(x, lengths):
    """cuDNN is not documented to write the gradient there."""

    @tf.custom_gradient
    def compute(x):
        is_frame = tf.transpose(tf.sequence_mask(lengths, x.shape[0]))[..., None]
        return tf.identity(x), lambda gradient: tf.where(is_frame, gradient, float("nan"))

    return compute(x)


def cudnn_rnn_v3(*, input, input_h, input_c, params, sequence_lengths, rnn_mode, is_training, time_major) -> Results:
    """It refuses what cuDNN does, no sequence or an empty one; and a batch without padding, for which TensorFlow changes its mode."""
    assert (rnn_mode, is_training, time_major) == ("lstm", True, True)
    (frames, rows, n_in), n = input.shape, input_h.shape[-1]
    lengths = sequence_lengths.numpy()
    assert lengths.shape == (rows,)
    assert rows > 0
    assert (lengths > 0).all()
    assert (lengths <= max(frames - 1, 1)).all()
    w_i, w_f, w_z, w_o, r_i, r_f, r_z, r_o, *biases = tf.split(params, [*[n * n_in] * 4, *[n * n] * 4, *[n] * 8])
    forward = [tf.transpose(tf.reshape(w, [n, n_in])) for w in (w_i, w_f, w_z, w_o)]
    recurrent = [tf.transpose(tf.reshape(r, [n, n])) for r in (r_i, r_f, r_z, r_o)]
    input = _without_gradient_in_padding(input, lengths)
    h, c, outputs = input_h[0], input_c[0], []
    for frame in range(frames):
        i, f, z, o = (
            tf.matmul(input[frame], w) + b_w + tf.matmul(h, r) + b_r
            for w, r, b_w, b_r in zip(forward, recurrent, biases[:4], biases[4:], strict=True)
        )
        new_c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(z)
        new_h = tf.sigmoid(o) * tf.tanh(new_c)
        goes_on = (frame < lengths)[:, None]
        h, c = tf.where(goes_on, new_h, h), tf.where(goes_on, new_c, c)
        outputs.append(tf.where(goes_on, new_h, 0.0))
    return Results(tf.stack(outputs), h[None], c[None])
