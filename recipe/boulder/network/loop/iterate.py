"""A loop over a number of frames that is known before it."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.lazy import tf
from boulder.network.loop.body import Body
from boulder.network.loop.body_run import BodyRun, LoopState
from boulder.network.tensor import Tensor


def iterate(run, body: Body, sources: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    What is computed of the padding comes after each sequence's end, where it reaches no frame of the sequence itself.

    :param run: `boulder.network.run.LayerRun` of the loop
    :param sources: name → what it reads
    :return: name → what is needed of it, of all frames
    """
    body_run, last = BodyRun(run, body, sources), run.frames(body.loop)
    first = body_run.before_the_first()

    def next_frame(frame, carried, states, results):
        outputs, kept = body_run.compute(frame, LoopState(carried, states))
        return frame + 1, kept.carried, kept.states, body_run.written(results, frame, outputs)

    *_, results = tf.while_loop(
        lambda frame, *_: frame < last,
        next_frame,
        (tf.constant(0), first.carried, first.states, body_run.empty_results(last, dynamic=False)),
        maximum_iterations=last,
    )
    return body_run.stacked(results)
