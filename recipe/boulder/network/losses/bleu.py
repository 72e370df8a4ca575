"""`bleu`: similarity of a sequence of labels to its target (Papineni et al. 2002)."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.loss import loss_class
from boulder.network.losses.labels import LabelError

_ORDER = 4


@loss_class("bleu")
@dataclass(frozen=True, kw_only=True)
class Bleu(LabelError):
    """-BLEU of each sequence, with n-grams up to 4, as an error; normalised by the labels of the target. RETURNN: BleuLoss."""

    def errors(self, found: TFTensor, found_lengths: TFTensor, truth: TFTensor, lengths: TFTensor) -> TFTensor:
        return -bleu(found, found_lengths, truth, lengths)


def bleu(found: TFTensor, found_lengths: TFTensor, truth: TFTensor, lengths: TFTensor) -> TFTensor:
    """
    As in RETURNN, the k-th order without a match, of n n-grams, has the precision 1 / (2ᵏ·n), and orders without n-grams have 1.

    :param found: int32 [B, N]
    :param found_lengths: int32 [B]
    :param truth: int32 [B, M]
    :param lengths: int32 [B]
    :return: float32 [B], from 0 to 1; 0 if a sequence is empty
    """
    log_sum, smooth, some = (
        tf.zeros(tf.shape(lengths)),
        tf.ones(tf.shape(lengths)),
        tf.zeros(tf.shape(lengths), tf.bool),
    )
    for order in range(1, _ORDER + 1):
        matches = _matches(found, found_lengths, truth, lengths, order)
        possible = tf.cast(tf.maximum(found_lengths - order + 1, 0), tf.float32)
        exists = possible > 0
        smooth = tf.where(exists & (matches < 0.5), 2 * smooth, smooth)
        precision = tf.where(matches < 0.5, 1 / smooth, matches) / tf.maximum(possible, 1)
        log_sum += tf.where(exists, tf.math.log(precision), 0.0)
        some |= exists
    ratio = tf.cast(found_lengths, tf.float32) / tf.cast(tf.maximum(lengths, 1), tf.float32)
    brevity = tf.where(ratio < 1, tf.exp(1 - 1 / tf.maximum(ratio, 1e-3)), 1.0)
    return tf.where(some & (lengths > 0), brevity * tf.exp(log_sum / _ORDER), 0.0)


def _matches(found: TFTensor, found_lengths: TFTensor, truth: TFTensor, lengths: TFTensor, order: int) -> TFTensor:
    """:return: float32 [B], n-grams of `found` that are in `truth`, each as often as there at most"""
    (own, there), (other, there_other) = (_ngrams(x, n, order) for x, n in ((found, found_lengths), (truth, lengths)))

    def count(ngrams: TFTensor, inside: TFTensor) -> TFTensor:
        equal = tf.reduce_all(own[:, :, None] == ngrams[:, None], axis=3) & inside[:, None]
        return tf.reduce_sum(tf.cast(equal, tf.float32), axis=2)  # [B, N]

    times = tf.maximum(count(own, there), 1)
    return tf.reduce_sum(tf.where(there, tf.minimum(times, count(other, there_other)) / times, 0.0), axis=1)


def _ngrams(labels: TFTensor, lengths: TFTensor, order: int) -> tuple[TFTensor, TFTensor]:
    """:return: int32 [B, N, order]; which of them are inside of the sequence, bool [B, N]"""
    padded = tf.pad(labels, [[0, 0], [0, order - 1]])
    size = tf.shape(labels)[1]
    ngrams = tf.stack([padded[:, i : i + size] for i in range(order)], axis=2)
    return ngrams, tf.sequence_mask(lengths - order + 1, size)
