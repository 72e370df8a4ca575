"""The pieces of phases that jobs train, and their names in commands: `00`, `01`, `final`, `final.epoch9`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from boulder.errors import ConfigError, nearest
from boulder.schedule import Plan
from boulder.schedule.labels import phase_name
from jobs.laid_out import Pipeline
from jobs.phase_training import PhaseTrainingJob


@dataclass(frozen=True)
class Piece:
    """
    A phase or, if consecutive jobs share it, the part that one of them trains.

    :param name: as in the alias of a job that trains only this piece
    :param job: the job that trains it, perhaps among others
    :param epochs: 1-based
    :param index: None for the original network
    """

    name: str
    job: PhaseTrainingJob
    epochs: range
    index: int | None


def piece_name(start: int, first_epoch: int, plan: Plan) -> str:
    """
    :param start: first epoch of the phase
    :param first_epoch: first epoch of the piece
    :return: `00`; `00.epoch3` for a later piece of the phase
    """
    name = plan.phase(first_epoch).name
    return name if first_epoch == start else f"{name}.epoch{first_epoch}"


def pieces(pipeline: Pipeline) -> list[Piece]:
    """:return: all pieces, in order; they cover each epoch once"""
    result = []
    for job in pipeline.jobs:
        for phase in job.phases:
            start, first, last = (phase[key] for key in ("start", "first_epoch", "last_epoch"))
            name = piece_name(start, first, pipeline.plan)
            result.append(Piece(name, job, range(first, last + 1), phase["index"]))
    return result


def find_pipeline(pipelines: Mapping[str, Pipeline], name: str | None) -> tuple[str, Pipeline]:
    """
    :param name: value of `--pipeline`; None: the only pipeline
    :return: (name, pipeline)
    :raises ConfigError: if no pipeline has this name, or if there are several to choose from; lists the names
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
    :param phase: a name from `boulder status`; `3` is `03`, `original` is `final`
    :raises ConfigError: if no phase has this name; lists the names
    """
    known = {piece.name: piece for piece in reversed(pieces(pipeline))}
    rest = phase.lstrip("0123456789")
    number = phase.removesuffix(rest)
    name = (phase_name(int(number)) if number else "") + re.sub("^original", phase_name(None), rest)
    if name not in known:
        names = ", ".join(reversed(known))
        later = " so far, until there are scores" if pipeline.needs is not None else ""
        raise ConfigError(f"--phase {phase!r}: no phase of that name; there are {names}{later}{nearest(name, known)}")
    return known[name]
