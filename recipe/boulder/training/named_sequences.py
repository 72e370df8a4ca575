"""Names the sequences of a batch whose data are not finite."""

from __future__ import annotations

from boulder.lazy import tf
from boulder.training.epoch_steps import Step
from boulder.training.replicas import OneReplica

_MOST_NAMED = 3


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
