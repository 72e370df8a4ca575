"""A loop over a number of frames that is known before it."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.lazy import tf
from boulder.network.loop.frames import Frames, Kept
from boulder.network.loop.nodes import Iterations
from boulder.network.tensor import Tensor


def iterate(run, loop: Iterations, sources: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    What is computed of the padding comes after each sequence's end, where it reaches no frame of the sequence itself.

    :param run: `boulder.network.run.LayerRun` of the loop
    :param sources: name → what it reads
    :return: name → what is needed of it, of all frames
    """
    frames, last = Frames(run, loop, sources), run.frames(loop.loop)
    first = frames.before_the_first()

    def body(frame, carried, states, results):
        outputs, kept = frames.compute(frame, Kept(carried, states))
        return frame + 1, kept.carried, kept.states, frames.written(results, frame, outputs)

    *_, results = tf.while_loop(
        lambda frame, *_: frame < last,
        body,
        (tf.constant(0), first.carried, first.states, frames.empty_results(last, dynamic=False)),
        maximum_iterations=last,
    )
    return frames.stacked(results)
