"""What a job trains of a phase, and by which names commands know it: `00`, `01`, `final`, `final.epoch9`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boulder.errors import ConfigError, nearest
from boulder.schedule import Plan
from jobs.phase_training import PhaseTrainingJob

if TYPE_CHECKING:
    from jobs.layout import Pipeline


@dataclass(frozen=True)
class Piece:
    """
    A phase or, where several jobs train it one after the other, what one of them does.

    :param name: as in the alias of a job that trains nothing else
    :param job: trains it, perhaps with others
    :param epochs: counted from 1
    :param index: None: the original network
    """

    name: str
    job: PhaseTrainingJob
    epochs: range
    index: int | None


def piece_name(piece: dict, plan: Plan) -> str:
    """
    :param piece: one of `PhaseTrainingJob.phases`
    :return: `00`; `00.epoch3` for a later piece of a phase, which begins there
    """
    name, begin = plan.phase(piece["first_epoch"]).name, piece["first_epoch"]
    return name if begin == piece["start"] else f"{name}.epoch{begin}"


def pieces(pipeline: Pipeline) -> list[Piece]:
    """:return: in order; each epoch is in one of them"""
    return [
        Piece(
            piece_name(phase, pipeline.plan), job, range(phase["first_epoch"], phase["last_epoch"] + 1), phase["index"]
        )
        for job in pipeline.jobs
        for phase in job.phases
    ]


def find_pipeline(pipelines: Mapping[str, Pipeline], name: str | None) -> tuple[str, Pipeline]:
    """
    :param name: what `--pipeline` says; None: there is only one
    :return: (name, pipeline)
    :raises ConfigError: if there is none of that name, or one has to be chosen; tells the names
    """
    known = ", ".join(pipelines)
    if name is None and len(pipelines) > 1:
        raise ConfigError(f"the config lays out {len(pipelines)} pipelines: choose by --pipeline one of {known}")
    found = next(iter(pipelines)) if name is None else name
    if found not in pipelines:
        raise ConfigError(f"--pipeline {name!r}: the config lays out {known}{nearest(found, pipelines)}")
    return found, pipelines[found]


def find_piece(pipeline: Pipeline, phase: str) -> Piece:
    """
    :param phase: a name as `boulder status` shows it; `3` is `03`, `original` is `final`
    :raises ConfigError: if there is none of that name; tells the names
    """
    known = {piece.name: piece for piece in reversed(pieces(pipeline))}
    number, rest = re.fullmatch(r"(\d*)(.*)", phase).groups()
    name = (f"{int(number):02d}" if number else "") + re.sub("^original", "final", rest)
    if name not in known:
        names = ", ".join(reversed(known))
        later = "; the others are laid out once there are scores" if pipeline.needs is not None else ""
        raise ConfigError(f"--phase {phase!r}: there is none of that name, but {names}{later}{nearest(name, known)}")
    return known[name]
