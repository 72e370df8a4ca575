"""Names the sequences of a batch to which a network objects, or whose data are at fault."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager

from boulder.errors import DataError
from boulder.lazy import tf
from boulder.network.equal_lengths import DIFFERING
from boulder.training.epoch_steps import Step
from boulder.training.objective import Losses
from boulder.training.replicas import OneReplica

_MOST_NAMED, _MOST_TAGS = 3, 5


@contextmanager
def naming_sequences(where: str, batch: Step, replicas: OneReplica) -> Iterator[None]:
    """:raises DataError: in place of TensorFlow's error, if lengths differ that must be the same"""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(DIFFERING, str(error))
        if found is None:
            raise
        layer, first, second, row, one, other = found.groups()
        tags = batch.tags()[int(row) * replicas.count :][: replicas.count]  # one of each replica
        raise DataError(
            f"{where}: sequence {' or '.join(map(repr, tags))}: layer {layer!r}: {one} frames along {first}, {other} along "
            f"{second}, expected as many"
        ) from None


def not_finite_data(batch: Step, replicas: OneReplica) -> str:
    """:return: which sequences have values that are not finite, and in which stream; empty if none has"""
    tags, found = batch.tags(), []
    for number, share in zip(replicas.here, batch.shares, strict=True):
        for key, values in share["data"].items():
            if not values.dtype.is_floating:
                continue
            rows = tf.reduce_all(tf.math.is_finite(tf.reshape(values, [tf.shape(values)[0], -1])), axis=1)
            own = tags[number :: replicas.count]
            found += [f"{tag!r}, {key!r}" for tag, fine in zip(own, rows.numpy(), strict=False) if not fine]
    more = f", … ({len(found)} in all)" if len(found) > _MOST_NAMED else ""
    return "; ".join(found[:_MOST_NAMED]) + more


def faults_of(batch: Step, losses: Losses, replicas: OneReplica) -> str:
    """
    :param losses: of the batch
    :return: which scores are not finite, and the sequences whose data are at fault, or those of the batch; empty if all are
    """
    wrong = [
        f"{kind}:{layer}"
        for layer, loss in losses.items()
        for kind in ("cost", "error")
        if not math.isfinite(float(getattr(loss, kind)))
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
