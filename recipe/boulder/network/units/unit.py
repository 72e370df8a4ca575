"""What every recurrent unit is. Its fields are the layer's `unit_opts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from boulder.lazy import tf
from boulder.network.layer import Site


@dataclass(frozen=True)
class Initializers:
    """
    :param forward: of matrices on the input alone
    :param recurrent: of those on the unit's own output, and on both
    :param bias: of biases, where the unit does not say otherwise
    """

    forward: str | float = "glorot_uniform"
    recurrent: str | float = "glorot_uniform"
    bias: str | float = 0.0


@dataclass(frozen=True, kw_only=True)
class Unit:
    """
    A unit goes from frame to frame: `step` of what `project` makes of the input, and of what is remembered.

    What is remembered is a dict; its last entry is the output.
    """

    memory: ClassVar[tuple[str | None, ...]]
    """RETURNN's keys of what is remembered; (None,) if it is a single vector without a name"""

    @property
    def output(self) -> str | None:
        """:return: the key of what is remembered that is also the output"""
        return self.memory[-1]

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        """
        Declares the parameters.

        :param n_in: features of the input
        :param n: of the output
        :raises NetworkError: for `unit_opts` of a wrong value
        """
        raise NotImplementedError

    def weights(self, run) -> Any:
        """:return: the parameters, as `project`, `step` and `sequence` take them"""
        raise NotImplementedError

    def project(self, weights, x):
        """
        The part of the formula that needs nothing of the frame before, so that a sequence's frames are one product.

        :param x: [N, n_in]
        :return: [N, …]
        """
        raise NotImplementedError

    def step(self, weights, z, memory: dict) -> dict:
        """
        :param z: what `project` made of a frame, [N, …]
        :param memory: of the frame before, key → [N, n]
        :return: of this frame
        """
        raise NotImplementedError

    def sequence(self, weights, x, memory: dict) -> dict:
        """
        What comes of padding comes after each sequence's end, where it reaches no frame of the sequence itself.

        :param x: [T, N, n_in]
        :param memory: of before the first frame, key → [N, n]
        :return: of all frames, key → [T, N, n]
        """
        shape = tf.shape(x)
        z = self.project(weights, tf.reshape(x, [-1, x.shape[-1]]))
        z = tf.reshape(z, [shape[0], shape[1], z.shape[-1]])
        frames = tf.TensorArray(z.dtype, size=shape[0], element_shape=[None, z.shape[-1]]).unstack(z)
        # with that of before the first frame, so that it is stacked of something even if there is no frame
        results = {
            key: tf.TensorArray(value.dtype, size=shape[0] + 1, element_shape=[None, value.shape[-1]]).write(0, value)
            for key, value in memory.items()
        }

        def body(frame, memory, results):
            memory = self.step(weights, frames.read(frame), memory)
            return frame + 1, memory, {key: results[key].write(frame + 1, memory[key]) for key in results}

        *_, results = tf.while_loop(
            lambda frame, *_: frame < shape[0],
            body,
            (tf.constant(0), memory, results),
            (tf.TensorShape([]), _any_batch(memory), dict.fromkeys(results, tf.TensorShape(None))),
            maximum_iterations=shape[0],
        )
        return {key: array.stack()[1:] for key, array in results.items()}


def _any_batch(memory: dict) -> dict:
    """:return: shapes of which the loop does not rely on the number of sequences, which not all operations know"""
    return {key: tf.TensorShape([None, value.shape[-1]]) for key, value in memory.items()}
