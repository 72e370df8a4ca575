"""What fails in a step, in one line: the place, the layer, the reason, and the sequences of the batch with their lengths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from boulder.counted import counted
from boulder.data import Batch
from boulder.errors import BoulderError, DataError, TrainingError
from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.network.equal_lengths import DIFFERING
from boulder.training.epoch_steps import Step
from boulder.training.replicas import OneReplica
from boulder.training.runtime_errors import in_one_line, is_out_of_memory

_MOST_NAMED = 3

_ADVICE = (
    "Lower 'batch_size', 'max_seqs' or 'max_seq_length' ('accum_grad_multiple_step' makes up for smaller batches), or give "
    "layers the option 'recompute'"
)
ADVICE_FOR_PASSES = "Lower batch_size or max_seqs"


class StepError(TrainingError):
    """
    A step over a batch failed.

    :ivar reason: why, without the place and the sequences
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


@dataclass(frozen=True)
class BatchContents:
    """
    :param tags: names of the sequences
    :param lengths: stream → length of each sequence, as far as this process knows them
    :param shapes: stream → shape of the padded array
    :param num_replicas: number of replicas that share it: sequence i goes to replica i modulo this number
    """

    tags: Sequence[str]
    lengths: Mapping[str, Mapping[str, int]]
    shapes: Mapping[str, Sequence[int]]
    num_replicas: int = 1

    @classmethod
    def of_step(cls, batch: Step, replicas: OneReplica) -> BatchContents:
        """:return: what the replicas of this process have of a batch"""
        tags, lengths = batch.tags(), dict[str, dict[str, int]]()
        for number, share in zip(replicas.here, batch.shares, strict=True):
            lengths |= _lengths(tags[number :: replicas.count], share["lengths"])
        first = batch.shares[0]["data"]
        return cls(tags, lengths, {key: list(value.shape) for key, value in first.items()}, replicas.count)

    @classmethod
    def of_batch(cls, batch: Batch) -> BatchContents:
        """:return: of a batch of tensors"""
        return cls(
            batch.tags, _lengths(batch.tags, batch.lengths), {key: list(x.shape) for key, x in batch.data.items()}
        )

    def __str__(self) -> str:
        named = [self._with_lengths(tag) for tag in self.tags[:_MOST_NAMED]]
        more = f", … ({len(self.tags)} sequences)" if len(self.tags) > len(named) else ""
        return f"{'sequence' if len(self.tags) == 1 else 'sequences'} {', '.join(named)}{more}"

    def _with_lengths(self, tag: str) -> str:
        lengths = ", ".join(f"{key} {length}" for key, length in self.lengths.get(tag, {}).items())
        return f"{tag!r}{f' ({lengths})' if lengths else ''}"

    def sizes(self) -> str:
        """:return: how large it is, and the longest sequence"""
        shapes = ", ".join(f"{key!r} {list(shape)}" for key, shape in self.shapes.items())
        longest = max(self.lengths, key=lambda tag: max(self.lengths[tag].values(), default=0), default=None)
        end = f", the longest {self._with_lengths(longest)}" if longest is not None else ""
        number = counted(len(self.tags), "sequence")
        return f"{number}{f' on {self.num_replicas} devices' * (self.num_replicas > 1)}, padded to {shapes}{end}"

    def rows(self, row: int) -> Sequence[str]:
        """:return: names of the sequences in this row of a share"""
        return self.tags[row * self.num_replicas :][: self.num_replicas]


def _lengths(tags: Sequence[str], lengths: Mapping[str, object]) -> dict[str, dict[str, int]]:
    rows = {key: numbers.numpy().tolist() for key, numbers in lengths.items()}  # type: ignore[attr-defined]
    return {tag: {key: row[i] for key, row in rows.items() if i < len(row)} for i, tag in enumerate(tags)}


@contextmanager
def told_with(
    where: str,
    contents: Callable[[], BatchContents] | None,
    spec: NetworkSpec | None,
    replicas: OneReplica | None = None,
    advice: str = _ADVICE,
) -> Iterator[None]:
    """
    Context of a step. The exception itself is the cause of the one that is raised, so that logs show where it came from.

    :param where: the place, "epoch 1, batch 3" for example
    :param contents: gives what is in the batch; None: there is no batch
    :param spec: the network
    :param replicas: those that make the step
    :param advice: against too little memory
    :raises DataError: if lengths differ that must be the same
    :raises StepError: in place of any other exception that is no BoulderError
    :raises SystemExit: if another process has died
    """
    try:
        with (replicas or OneReplica()).failures():
            yield
    except BoulderError:
        raise
    except Exception as error:
        batch = contents() if contents else None
        if batch and (problem := _differing_lengths(error, batch)):
            raise DataError(f"{where}: {problem}") from None
        reason = in_one_line(error, spec)
        if is_out_of_memory(error):
            with_batch = f" with a batch of {batch.sizes()}" if batch else ""
            reason = f"out of memory{with_batch}: {reason}"
            raise StepError(f"{where}: {reason}. {advice}", reason) from error
        raise StepError(f"{where}: {reason}{f'; on the {batch}' if batch else ''}", reason) from error


def _differing_lengths(error: Exception, batch: BatchContents) -> str | None:
    found = re.search(DIFFERING, str(error)) if isinstance(error, tf.errors.InvalidArgumentError) else None
    if found is None:
        return None
    layer, first, second, row, one, other = found.groups()
    return (
        f"sequence {' or '.join(map(repr, batch.rows(int(row))))}: layer {layer!r}: {one} frames along {first}, {other} along "
        f"{second}, expected as many"
    )
