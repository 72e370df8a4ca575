"""Dynamic loss scaling, for gradients in float16 (Micikevicius et al. 2018).

The objective is multiplied by a scale, which is a power of 2, and the gradients are divided by it, so that small ones do not become
0. Where a gradient overflows, the batch makes no update, and the scale is halved; after 2000 updates in a row it is doubled: the
formula of Keras's `LossScaleOptimizer`. It is not used itself, as it wraps a single optimizer. Unlike there, the scale does not fall
below 1, where float16 is no reason for a gradient that is not finite.
"""

from __future__ import annotations

from boulder.lazy import TFTensor, tf

_FIRST = 2.0**15
_UPDATES = 2000


class LossScale:
    """
    Made within the scope of the replicas.

    :param state: of an earlier instance: (scale, updates in a row); None: from the start
    """

    def __init__(self, state: tuple[float, int] | None = None) -> None:
        options = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        self._scale = tf.Variable(0.0, dtype=tf.float32, **options)
        self._updates = tf.Variable(0, dtype=tf.int64, **options)
        self.begin(state)

    def begin(self, state: tuple[float, int] | None) -> None:
        """:param state: of an earlier instance: (scale, updates in a row); None: from the start"""
        scale, updates = state or (_FIRST, 0)
        self._scale.assign(scale)
        self._updates.assign(updates)

    def scaled(self, objective: TFTensor) -> TFTensor:
        """:return: the function whose gradients `unscaled` takes"""
        return objective * self._scale

    def unscaled(self, gradient: TFTensor) -> TFTensor:
        """:param gradient: float32 tensor or `tf.IndexedSlices`"""
        if isinstance(gradient, tf.IndexedSlices):
            return tf.IndexedSlices(gradient.values / self._scale, gradient.indices, gradient.dense_shape)
        return gradient / self._scale

    def may_overflow(self) -> TFTensor:
        """:return: whether a smaller scale could help against a gradient that is not finite, a bool scalar"""
        return self._scale > 1

    def update(self, finite: TFTensor) -> None:
        """
        Adapt the scale after a batch. To be called outside of `replicas.run`.

        :param finite: whether the gradients of the batch were finite, a bool scalar
        """
        grows = finite & (self._updates >= _UPDATES - 1)
        factor = tf.where(grows, 2.0, tf.where(finite, 1.0, 0.5))
        self._updates.assign(tf.where(finite & ~grows, self._updates + 1, 0))
        self._scale.assign(tf.maximum(self._scale * factor, 1.0))

    def state(self) -> tuple[float, int]:
        """:return: scale, updates in a row"""
        return float(self._scale.numpy()), int(self._updates.numpy())
