"""The base class of recurrent units. The fields of a unit are the layer's `unit_opts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.initializers import Init
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.units.context import UnitContext

State = Mapping[str | None, TFTensor]
"""key → value, one of `Unit.state_keys` each"""


@dataclass(frozen=True)
class Initializers:
    """
    :param forward: initializer of matrices that multiply the input only
    :param recurrent: initializer of matrices that multiply the previous output, or both
    :param bias: initializer of biases, unless the unit has its own
    """

    forward: Init = "glorot_uniform"
    recurrent: Init = "glorot_uniform"
    bias: Init = 0.0


@dataclass(frozen=True, kw_only=True)
class Unit:
    """
    A recurrent unit: a function of the projected input and the previous state that returns the next state.

    The last entry of the state is the output, unless the unit says otherwise.
    """

    state_keys: ClassVar[tuple[str | None, ...]]
    """RETURNN's keys of the state; (None,) for a single vector without a name"""

    takes_classes: ClassVar[bool] = False
    """Whether the input may be class indices. They are as vectors with a 1 for the class."""

    @property
    def is_over_units(self) -> bool:
        """:return: whether an output depends on the number of the others, as with normalization over them"""
        return False

    @property
    def output(self) -> str | None:
        """:return: key of the output in the result of `step`; a key that is not in the state is not carried over"""
        return self.state_keys[-1]

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        """
        Declares the parameters.

        :param n_in: number of input features
        :param n: number of output features
        :raises NetworkError: for invalid values of `unit_opts`
        """
        raise NotImplementedError

    def check_use(self, site: Site, is_whole: bool) -> None:
        """
        :param is_whole: whether the unit runs over whole sequences outside of loops
        :raises NetworkError: if an option does not fit this use
        """

    def weights(self, run: LayerRun) -> Any:
        """:return: the parameters in the form that `project`, `step` and `sequence` take"""
        raise NotImplementedError

    def project(self, weights: Any, x: TFTensor) -> TFTensor:
        """
        Computes the part of the formula that depends on the input only, for all frames of a sequence in one product.

        :param x: [N, n_in]
        :return: [N, …]
        """
        raise NotImplementedError

    def step(self, weights: Any, z: TFTensor, state: State, context: UnitContext) -> State:
        """
        :param z: projected input of one frame, [N, …]
        :param state: previous state, key → [N, n]
        :param context: whether the network is trained, the number of the frame, random numbers
        :return: next state and output, key → [N, n]
        """
        raise NotImplementedError

    def sequence(self, weights: Any, x: TFTensor, state: State, context: UnitContext) -> State:
        """
        Runs the unit over whole sequences. Padding follows each sequence, so it does not affect the sequence's states.

        A subclass may override this with a faster operation if that computes the same.

        :param x: [T, N, n_in]
        :param state: state before the first frame, key → [N, n]
        :param context: `context.at(frame)` is the context of one step
        :return: states and output after each frame, key → [T, N, n]
        """
        return self.frame_by_frame(weights, self.projected(weights, x), state, context)

    def output_and_last(
        self, weights: Any, x: TFTensor, state: State, context: UnitContext, lengths: Callable[[], TFTensor]
    ) -> tuple[TFTensor, Callable[[str | None], TFTensor]]:
        """
        Runs the unit over whole sequences, as `sequence`, where the states between are not needed.

        :param lengths: gives the number of frames of each sequence, int32 [N]
        :return: output after each frame, [T, N, n], and a function: key → state after the last frame of each sequence, [N, n]
        """
        states = self.sequence(weights, x, state, context)
        return states[self.output], lambda key: _after(states[key], state[key], lengths())

    def projected(self, weights: Any, x: TFTensor) -> TFTensor:
        """:return: the projected input of whole sequences, [T, N, …]"""
        shape = tf.shape(x)
        z = self.project(weights, tf.reshape(x, [-1, x.shape[-1]]))
        return tf.reshape(z, [shape[0], shape[1], z.shape[-1]])

    def frame_by_frame(self, weights: Any, z: TFTensor, state: State, context: UnitContext) -> State:
        """
        :param z: of `projected`
        :return: as `sequence`, by a loop of `step`
        """
        shape = tf.shape(z)
        frames = tf.TensorArray(z.dtype, size=shape[0], element_shape=[None, z.shape[-1]]).unstack(z)
        # entry 0 is the first state, so that there is something to stack even without a frame
        results = {
            key: tf.TensorArray(value.dtype, size=shape[0] + 1, element_shape=[None, value.shape[-1]]).write(0, value)
            for key, value in {**state, self.output: state[self.state_keys[-1]]}.items()
        }

        def body(frame: TFTensor, state: State, results: dict[str | None, TFTensor]) -> tuple:
            new = self.step(weights, frames.read(frame), state, context.at(frame))
            results = {key: results[key].write(frame + 1, new[key]) for key in results}
            return frame + 1, {key: new[key] for key in state}, results

        *_, results = tf.while_loop(
            lambda frame, *_: frame < shape[0],
            body,
            (tf.constant(0), dict(state), results),
            (tf.TensorShape([]), _any_batch(state), dict.fromkeys(results, tf.TensorShape(None))),
            maximum_iterations=shape[0],
        )
        return {key: array.stack()[1:] for key, array in results.items()}


def _any_batch(state: State) -> dict[str | None, TFTensor]:
    """:return: shapes with an unknown first dimension: not all operations know the number of sequences"""
    return {key: tf.TensorShape([None, value.shape[-1]]) for key, value in state.items()}


def _after(states: TFTensor, first: TFTensor, lengths: TFTensor) -> TFTensor:
    """
    :param states: [T, N, n], after each frame
    :param first: [N, n], before the first frame
    :param lengths: int32 [N]
    :return: [N, n], after the last frame of each sequence
    """
    every = tf.concat([first[None], states], axis=0)
    return tf.gather_nd(every, tf.stack([lengths, tf.range(tf.shape(lengths)[0])], axis=1))
