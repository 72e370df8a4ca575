"""A loop that ends where its layer `end` says so, and any loop of a search: each hypothesis ends on its own."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.lazy import tf
from boulder.network.axes import Batch
from boulder.network.loop.beams import Hypotheses, first_scores, ways_back
from boulder.network.loop.body import Body
from boulder.network.loop.body_run import BodyRun, LoopState
from boulder.network.template import Template
from boulder.network.tensor import Tensor


def iterate_until_end(run, body: Body, sources: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Goes on until all sequences, or all hypotheses of all sequences, have ended, or there are `max_length` frames. The
    lengths become those of the loop's axis; without a layer `end` they are known before.

    :param run: `boulder.network.run.LayerRun` of the loop
    :param sources: name → what it reads
    :return: name → what is needed of it, of all frames; in a search, along the hypotheses that there are in the end
    """
    body_run = BodyRun(run, body, sources)
    axes = (Batch, body.beam) if body.beam else (Batch,)
    if body.end:
        limit = body.max_length.frames(lambda name: run.frames(sources[name].template.time))
    else:
        limit, known_lengths = run.frames(body.loop), run.length_over(axes, body.loop)
    flags, shape = Template(axes, "bool"), run.shape(axes)
    scores = first_scores(shape) if body.beam else tf.zeros(shape)
    origins = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None, body.beam and body.beam.size])
    first = body_run.before_the_first()

    def goes_on(frame, carried, states, results, ended, lengths, scores, origins):
        return (frame < limit) & ~tf.reduce_all(ended)

    def next_frame(frame, carried, states, results, ended, lengths, scores, origins):
        hypotheses = Hypotheses(body.beam, frame, scores, ended, lengths)
        outputs, kept = body_run.compute(frame, LoopState(carried, states), hypotheses.choose if body.beam else None)
        before = hypotheses.ended
        ends = run.broadcast(outputs[body.end], flags).value if body.end else frame + 1 >= known_lengths
        ended = before | ends
        lengths = hypotheses.lengths + tf.cast(~(before if body.include_eos else ended), tf.int32)
        if body.beam:
            origins = origins.write(frame, hypotheses.origins)
        results = body_run.written(results, frame, outputs)
        return frame + 1, kept.carried, kept.states, results, ended, lengths, hypotheses.scores, origins

    _, _, _, results, _, lengths, scores, origins = tf.while_loop(
        goes_on,
        next_frame,
        (
            tf.constant(0), first.carried, first.states, body_run.empty_results(0, dynamic=True),
            tf.fill(shape, False), tf.zeros(shape, tf.int32), scores, origins,
        ),
    )  # fmt: skip
    if body.end:
        run.set_length(body.loop.as_time(), lengths, axes)
    if body.beam:
        run.beam_scores[body.beam] = scores
    outputs = body_run.stacked(results)
    back = ways_back(origins.stack()) if body.beam else None
    longest = run.frames(body.loop)
    return {name: _to_the_end(x, body, back, longest) for name, x in outputs.items()}


def _to_the_end(x: Tensor, body: Body, back, frames) -> Tensor:
    """
    :param back: [T, B, beam], see `ways_back`
    :param frames: the longest sequence
    :return: `x` along the last hypotheses, no longer than the longest of them
    """
    if back is not None and body.beam in x.axes:
        axes = (body.loop, Batch, body.beam)
        axes = (*axes, *(axis for axis in x.axes if axis not in axes))
        value = tf.gather(x.ordered(axes), back, axis=2, batch_dims=2)
        logits = None if x.logits is None else tf.gather(x.ordered(axes, x.logits), back, axis=2, batch_dims=2)
        x = Tensor(value, axes, x.template, logits)
    return Tensor(x.value[:frames], x.axes, x.template, None if x.logits is None else x.logits[:frames])
