"""A loop that its layer `end` ends, and any loop of a search, where each hypothesis has its own end."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.lazy import TFTensor, tf
from boulder.network.axes import TIME, Batch
from boulder.network.loop.beams import Chooser, Hypotheses, first_scores, ways_back
from boulder.network.loop.body import Body
from boulder.network.loop.body_run import BodyRun, LoopState
from boulder.network.run_state import LoopRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor


def iterate_until_end(run: LoopRun, body: Body, sources: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Iterates until all sequences (in a search, all hypotheses of all sequences) have ended, or `max_length` is reached.

    Sets the lengths along the loop's axis if a layer `end` decides them, and the scores of the hypotheses.

    :param sources: name → input of the loop
    :return: name → output over all frames, for all `results` of the body; in a search, of the hypotheses left at the end
    """
    body_run = BodyRun(run, body, sources)
    axes = (Batch, body.beam) if body.beam else (Batch,)
    limits, last, time = [], None, body.input_time if body.end else body.loop
    if time:
        limits, last = [run.frames(time)], run.length_over(axes, time) - 1
    if body.end and (body.max_length.given or not time):
        limits.append(body.max_length.frames(sources.__getitem__, lambda x: run.frames(x.template.required(TIME))))
    limit = tf.reduce_min(limits)
    flags, shape = Template(axes, "bool"), run.shape(axes)
    ended = tf.fill(shape, False) if last is None else tf.broadcast_to(last < 0, shape)
    scores = first_scores(shape) if body.beam else tf.zeros(shape)
    origins = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None, body.beam and body.beam.size])
    first = body_run.initial_state()

    def goes_on(
        frame: TFTensor, carried: TFTensor, states: TFTensor, results: TFTensor, ended: TFTensor, *_: TFTensor
    ) -> TFTensor:
        return (frame < limit) & ~tf.reduce_all(ended)

    def next_frame(
        frame: TFTensor,
        carried: TFTensor,
        states: TFTensor,
        results: TFTensor,
        ended: TFTensor,
        lengths: TFTensor,
        scores: TFTensor,
        origins: TFTensor,
    ) -> tuple[TFTensor, ...]:
        hypotheses = Hypotheses(body.beam, frame, scores, ended, lengths) if body.beam else None
        outputs, state = body_run.compute(frame, LoopState(carried, states), hypotheses)
        if hypotheses:
            scores, ended, lengths = hypotheses.scores, hypotheses.ended, hypotheses.lengths
            origins = origins.write(frame, hypotheses.origins)
        ends = run.broadcast(outputs[body.end], flags).value if body.end else False
        lengths += tf.cast(~(ended if body.include_eos else ended | ends), tf.int32)
        ended = ended | ends | (False if last is None else frame >= last)
        results = body_run.written(results, frame, outputs)
        return frame + 1, state.carried, state.states, results, ended, lengths, scores, origins

    _, _, _, results, _, lengths, scores, origins = tf.while_loop(
        goes_on,
        next_frame,
        (
            tf.constant(0), first.carried, first.states, body_run.empty_results(0, dynamic=True),
            ended, tf.zeros(shape, tf.int32), scores, origins,
        ),
    )  # fmt: skip
    if body.end:
        run.set_length(body.loop.as_time(), lengths, axes)
    if body.beam:
        frames = tf.reduce_max(run.length_over(axes, body.loop)) + (0 if body.include_eos else 1)
        choosers = [spec.layer for spec in run.inner if isinstance(spec.layer, Chooser) and spec.layer.beam_width]
        run.beam_scores[body.beam] = choosers[-1].final_scores(scores, frames)
    outputs = body_run.stacked(results)
    back = _ways_back(origins, shape) if body.beam else None
    longest = run.frames(body.loop)
    return {name: _to_the_end(x, body, back, longest) for name, x in outputs.items()}


def _ways_back(origins: TFTensor, shape: TFTensor) -> TFTensor:
    """
    :param origins: TensorArray of each frame's int32 [B, beam]
    :return: see `ways_back`
    """
    # the same for a single frame, and TensorFlow does not know the shape of an empty array
    same = tf.zeros(tf.concat([[origins.size()], shape], 0), tf.int32) + tf.range(shape[1])
    return tf.cond(origins.size() > 1, lambda: ways_back(origins.stack()), lambda: same)


def _to_the_end(x: Tensor, body: Body, back: TFTensor, frames: TFTensor) -> Tensor:
    """
    :param back: int32 [T, B, beam], see `ways_back`; None without a beam
    :param frames: int32 scalar, length of the longest sequence
    :return: `x` of the hypotheses left at the end, cut to the longest sequence
    """
    if body.beam and body.beam in x.axes:
        axes = (body.loop, Batch, body.beam, *(axis for axis in x.axes if axis not in (body.loop, Batch, body.beam)))
        value = tf.gather(x.ordered(axes), back, axis=2, batch_dims=2)
        logits = None if x.logits is None else tf.gather(x.ordered(axes, x.logits), back, axis=2, batch_dims=2)
        x = Tensor(value, axes, x.template, logits)
    return Tensor(x.value[:frames], x.axes, x.template, None if x.logits is None else x.logits[:frames])
