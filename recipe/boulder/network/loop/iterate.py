"""A loop whose number of frames is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.lazy import TFTensor, tf
from boulder.network.loop.body import Body
from boulder.network.loop.body_run import BodyRun, LoopState
from boulder.network.run_state import LoopRun
from boulder.network.tensor import Tensor


def iterate(run: LoopRun, body: Body, sources: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Computes all frames, padding included. Padding follows the end of a sequence, so no frame of the sequence reads it.

    :param sources: name → input of the loop
    :return: name → output over all frames, for all `results` of the body
    """
    body_run, last = BodyRun(run, body, sources), run.frames(body.loop)
    first = body_run.initial_state()

    def next_frame(frame: TFTensor, carried: TFTensor, states: TFTensor, results: TFTensor) -> tuple[TFTensor, ...]:
        outputs, state = body_run.compute(frame, LoopState(carried, states))
        return frame + 1, state.carried, state.states, body_run.written(results, frame, outputs)

    *_, results = tf.while_loop(
        lambda frame, *_: frame < last,
        next_frame,
        (tf.constant(0), first.carried, first.states, body_run.empty_results(last, dynamic=False)),
        maximum_iterations=last,
    )
    return body_run.stacked(results)
