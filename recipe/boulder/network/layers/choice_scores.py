"""The scores of a choice: what each continuation of a hypothesis adds, and how the sum depends on the length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis, Batch
from boulder.network.code.layer import CodeChoice, code_layer
from boulder.network.code.running import code_of
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import NEVER, Chooser, Hypotheses, no_hypotheses
from boulder.network.site import Site
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class Scoring(Chooser):
    """
    :param input_type: meaning of the source: "prob", "log_prob", "logits" (not normalised) or "regression"
    :param prob_scale: factor of the log probabilities
    :param base_beam_score_scale: factor of the score so far
    :param random_sample_scale: factor of Gumbel noise that is added to the scores, to sample the labels
    :param length_normalization: whether scores are normalised by length
    :param length_normalization_exponent: 1 for the mean over labels, less to favour long hypotheses less
    :param custom_score_combine: function of layer, scores_in, scores_base, t, end_flags, batch_dim, scores_beam_in and base_beam_in
        that returns the scores of all continuations, [batch, beam, labels], in place of the weighted sum
    :param explicit_search_source: a layer that `custom_score_combine` reads, as `layer.explicit_search_sources[0]`
    :param explicit_search_sources: a list of them, or a dict
    """

    input_type: Literal["prob", "log_prob", "logits", "regression"] = "prob"
    prob_scale: float = 1.0
    base_beam_score_scale: float = 1.0
    random_sample_scale: float = 0.0
    length_normalization: bool = True
    length_normalization_exponent: float = 1.0
    custom_score_combine: Callable | None = None
    explicit_search_source: str | None = None
    explicit_search_sources: list[str] | dict | None = None

    def explicit(self) -> list[tuple[int | str, str]]:
        """:return: key and name of the layers that `custom_score_combine` reads"""
        given = self.explicit_search_sources or ([self.explicit_search_source] if self.explicit_search_source else [])
        return sorted(given.items()) if isinstance(given, dict) else [*enumerate(given)]

    def check_scoring(self, site: Site) -> None:
        if self.explicit_search_source and self.explicit_search_sources:
            raise site.fail("'explicit_search_source' and 'explicit_search_sources' are two names of one option")
        if self.custom_score_combine and (
            self.random_sample_scale or self.prob_scale != 1 or self.base_beam_score_scale != 1
        ):
            raise site.fail(
                "'custom_score_combine' gives the scores, so 'prob_scale', 'base_beam_score_scale' and 'random_sample_scale' have no "
                "effect; leave them out"
            )
        if self.random_sample_scale < 0:
            raise site.fail(f"'random_sample_scale' must be 0 or more, found {self.random_sample_scale}")

    def log_p(self, source: Tensor, axes: Sequence[Axis]) -> TFTensor:
        if self.input_type == "log_prob":
            return source.ordered(axes)
        if self.input_type == "logits":
            return tf.nn.log_softmax(source.ordered(axes))
        if source.logits is not None:
            return tf.nn.log_softmax(source.ordered(axes, source.logits))
        return tf.math.log(tf.maximum(source.ordered(axes), 1e-30))

    def combined(
        self, run: LayerRun, hypotheses: Hypotheses, log_p: TFTensor, source: Tensor, further: Sequence[Tensor]
    ) -> TFTensor:
        """:return: float32 [B, beam, labels], scores of all continuations"""
        width = hypotheses.beam.known_size
        base = (hypotheses.scores * self._growth(hypotheses))[:, :, None]
        if self.custom_score_combine:
            alive = tf.where(hypotheses.first, 1, width)
            layer = self._code_layer(run, hypotheses.beam, source, further)
            with code_of(run.random):
                scores = self.custom_score_combine(
                    layer=layer, scores_in=log_p[:, :alive], scores_base=base[:, :alive], t=hypotheses.frame,
                    end_flags=hypotheses.ended[:, :alive], batch_dim=tf.shape(log_p)[0], scores_beam_in=width, base_beam_in=alive,
                )  # fmt: skip
            scores = tf.convert_to_tensor(scores)
            if scores.dtype != tf.float32 or scores.shape.rank not in (None, 3):
                raise NetworkError(
                    f"{run.where}: 'custom_score_combine' must return float32 [batch, beam, labels], found {scores.dtype.name} of "
                    f"shape {scores.shape}"
                )
            scores = tf.pad(scores, [[0, 0], [0, width - alive], [0, 0]], constant_values=NEVER)
            return tf.ensure_shape(scores, [None, width, log_p.shape[2]])
        scores = self.prob_scale * log_p + self.base_beam_score_scale * base
        if self.random_sample_scale:
            uniform = tf.random.stateless_uniform(
                tf.shape(log_p), run.random.seed_of("gumbel", run.frame), minval=1e-20
            )
            scores += self.random_sample_scale * -tf.math.log(-tf.math.log(uniform))
        others = (tf.range(width) > 0)[None, :, None]
        return tf.where(hypotheses.first & others, NEVER, scores)

    def _code_layer(self, run: LayerRun, beam: Axis, source: Tensor, further: Sequence[Tensor]) -> CodeChoice:
        """:return: the argument `layer` of `custom_score_combine`, in which hypotheses are part of the batch, as in RETURNN"""

        def flat(x: Tensor) -> Tensor:
            axes = (Batch, beam, *(a for a in x.axes if a not in (Batch, beam)))
            value = tf.broadcast_to(x.ordered(axes), tf.concat([run.shape(axes[:2]), tf.shape(x.ordered(axes))[2:]], 0))
            shape = tf.concat([[-1], tf.shape(value)[2:]], 0)
            return x.made(tf.reshape(value, shape), (Batch, *axes[2:]), no_hypotheses(x.template))

        explicit = self.explicit()
        names = run.sources[: 1 + len(explicit)]
        inner = code_layer(replace(run, sources=names), [flat(x) for x in (source, *further)][: len(names)], run.length)
        layer = CodeChoice(inner.name, inner.output, inner.network, inner.sources[:1])
        found = dict(zip((key for key, _ in explicit), inner.sources[1:], strict=True))
        layer.explicit_search_sources = found if isinstance(self.explicit_search_sources, dict) else [*found.values()]
        return layer

    def _growth(self, hypotheses: Hypotheses) -> TFTensor:
        """:return: [B, beam], factor from the score of t frames to the score of t + 1 frames, before the next label"""
        if not self.length_normalization:
            return 1.0
        t = tf.cast(tf.maximum(hypotheses.frame, 1), tf.float32)
        return tf.where(hypotheses.ended, ((t + 1) / t) ** self.length_normalization_exponent, 1.0)

    def final_scores(self, scores: TFTensor, frames: TFTensor) -> TFTensor:
        """:return: with length normalisation, means over frames, instead of the sums that `_growth` keeps comparable"""
        return scores / tf.cast(frames, tf.float32) if self.length_normalization else scores
