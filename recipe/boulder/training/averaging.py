"""The mean of the parameters of several checkpoints of one network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy

from boulder.errors import CheckpointError
from boulder.schedule import changes
from boulder.training.checkpoint import Checkpoint


def average_checkpoints(paths: Sequence[str | os.PathLike[str]]) -> Checkpoint:
    """
    Sums are in float64, in the order of epochs. At most two checkpoints are in memory at a time. Parameters of an integer type
    are those of the last epoch.

    :param paths: at least one checkpoint; of an epoch that occurs twice, e.g. after training stopped early, only one counts
    :return: the last one with the mean parameters – of moving averages, where there are some –, without the optimizer's slots and parameters of earlier epochs
    :raises CheckpointError: if one cannot be read, is of another network, or of an epoch that another one has as well
    """
    if not paths:
        raise CheckpointError("average of checkpoints: found none, expected at least one")
    by_epoch = _by_epoch(paths)
    *earlier, last_path = by_epoch.values()
    last = Checkpoint.load(last_path).for_inference()
    sums = {path: numpy.zeros(value.shape) for path, value in last.params.items() if value.dtype.kind == "f"}
    for path in earlier:
        other = Checkpoint.load(path).for_inference()
        _check_same_network(other, path, last, last_path)
        _add(sums, other)
    _add(sums, last)
    means = {path: (total / len(by_epoch)).astype(last.params[path].dtype) for path, total in sums.items()}
    return replace(last, params=last.params | means, slots={}, iterations=0, earlier={}, earlier_steps={})


def _add(sums: dict[str, numpy.ndarray], checkpoint: Checkpoint) -> None:
    for path, total in sums.items():
        total += checkpoint.params[path]


def _by_epoch(paths: Sequence[str | os.PathLike[str]]) -> dict[int, str | os.PathLike[str]]:
    """:return: epoch → path, in the order of epochs"""
    found: dict[int, tuple[str, str | os.PathLike[str]]] = {}
    for path in paths:
        checkpoint = Checkpoint.load(path)
        if checkpoint.position is not None:
            raise CheckpointError(f"average of checkpoints: {path} is of an unfinished epoch {checkpoint.epoch}")
        known = found.setdefault(checkpoint.epoch, (checkpoint.checksum, path))
        if known[0] != checkpoint.checksum:
            raise CheckpointError(
                f"average of checkpoints: {known[1]} and {path} are both of epoch {checkpoint.epoch}, and differ"
            )
    return {epoch: found[epoch][1] for epoch in sorted(found)}


def _check_same_network(
    other: Checkpoint, path: str | os.PathLike[str], last: Checkpoint, last_path: str | os.PathLike[str]
) -> None:
    """:raises CheckpointError: names what differs"""
    shapes, expected = [{p: (v.shape, v.dtype.name) for p, v in c.params.items()} for c in (other, last)]
    differing = [
        f"{name!r} is {_text(shapes.get(name))}, expected {_text(expected.get(name))}"
        for name in sorted({*shapes, *expected})
        if shapes.get(name) != expected.get(name)
    ]
    if not differing and other.network != last.network:
        differing = [f"its network differs: {changes(last.network, other.network)}"]
    if differing:
        more = f" ({len(differing)} parameters differ)" if len(differing) > 3 else ""
        raise CheckpointError(
            f"average of checkpoints: {path} is of another network than {last_path}: {'; '.join(differing[:3])}{more}"
        )


def _text(found: tuple | None) -> str:
    return "missing" if found is None else f"{found[1]} {list(found[0])}"
