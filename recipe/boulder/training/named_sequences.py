"""Names the sequences of a batch whose data are not finite."""

from __future__ import annotations

import math

from boulder.lazy import tf
from boulder.training.epoch_steps import Step
from boulder.training.objective import Losses
from boulder.training.replicas import OneReplica

_MOST_NAMED, _MOST_TAGS = 3, 5


def not_finite_data(batch: Step, replicas: OneReplica) -> str:
    """:return: which sequences have values that are not finite, in which stream and file; empty if none has"""
    tags, found = batch.tags(), list[tuple[str, str]]()
    for number, share in zip(replicas.here, batch.shares, strict=True):
        for key, values in share["data"].items():
            if not values.dtype.is_floating:
                continue
            rows = tf.reduce_all(tf.math.is_finite(tf.reshape(values, [tf.shape(values)[0], -1])), axis=1)
            own = tags[number :: replicas.count]
            found += [(tag, key) for tag, fine in zip(own, rows.numpy(), strict=False) if not fine]
    files = [batch.file_of(tag, key) for tag, key in found[:_MOST_NAMED]]
    named = [f"{t!r}, {key!r}{f' in {file}' if file else ''}" for (t, key), file in zip(found, files, strict=False)]
    more = f", … ({len(found)} in all)" if len(found) > _MOST_NAMED else ""
    return "; ".join(named) + more


def faults_of(batch: Step, losses: Losses, replicas: OneReplica) -> str:
    """
    :param losses: of the batch, numbers
    :return: which scores are not finite, and the sequences whose data are at fault, or those of the batch; empty if all are
    """
    wrong = [
        f"{kind}:{layer}"
        for layer, loss in losses.items()
        for kind in ("cost", "error")
        if not math.isfinite(getattr(loss, kind))
    ]
    if not wrong:
        return ""
    if faults := not_finite_data(batch, replicas):
        return f"{' and '.join(wrong)} not finite: found values in the data that are not finite: {faults}"
    return f"{' and '.join(wrong)} not finite on the sequences {some_tags(batch)}"


def some_tags(batch: Step) -> str:
    """:return: tags of the first sequences, and how many there are"""
    tags = batch.tags()
    return ", ".join(tags[:_MOST_TAGS]) + (f", … ({len(tags)} sequences)" if len(tags) > _MOST_TAGS else "")
