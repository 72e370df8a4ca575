"""Rows of the phase table from a plan, its networks, and the records of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from boulder.errors import DataError
from boulder.network import NetworkSpec
from boulder.report.handover import HandOver
from boulder.report.model import ScoreRow
from boulder.schedule import Plan, changes
from boulder.training.growth import GrowthReport

_GROWTH = ("copied", "grown", "initialised", "dropped")


def phase_rows(
    plan: Plan, specs: Sequence[NetworkSpec | None], growth: Sequence[GrowthReport | None]
) -> list[dict[str, Any]]:
    """
    :param specs: network of each phase; None if its parameters are unknown
    :param growth: growth report of each phase, see `boulder.training.growth.planned_growth`
    :return: a dict per phase with the fields of `boulder.report.PhaseRow`
    """
    rows = []
    for number, (phase, spec, report) in enumerate(zip(plan.phases, specs, growth, strict=True)):
        before = plan.phases[number - 1].network if number else {}
        difference = changes(before, phase.network)
        rows.append(
            {
                "phase": number,
                "index": phase.index,
                "first_epoch": phase.epochs[0],
                "last_epoch": phase.epochs[-1],
                "is_pretrain": phase.is_pretrain,
                "added": list(difference.added),
                "removed": list(difference.removed),
                "changed": {
                    layer: [f"{option}: {_text(old)} → {_text(new)}" for option, (old, new) in options.items()]
                    for layer, options in difference.changed.items()
                },
                "num_params": spec.num_params if spec else None,
                "num_layers": len(spec.layers) if spec else len(phase.network),
                "config": dict(phase.config),
                "copy_param_mode": phase.copy_param_mode,
                "growth": report and {kind: len(getattr(report, kind)) for kind in _GROWTH},
            }
        )
    return rows


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def number_scores(records: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """:return: the records of a scores file with the number of their phase, reduced to the fields of `ScoreRow`"""
    shown = [field.name for field in fields(ScoreRow)]
    result = []
    for record in records:
        phase = next(row["phase"] for row in rows if row["first_epoch"] <= record["epoch"] <= row["last_epoch"])
        result.append({key: record[key] for key in shown if key in record} | {"phase": phase})
    return result


def number_growth(entries: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    :param entries: entries of the growth files of all training jobs, in order
    :return: the entries with the number of their phase, reduced to the fields of `boulder.report.HandOver`
    :raises DataError: if an entry does not start at the first epoch of a phase
    """
    starts = {row["first_epoch"]: row["phase"] for row in rows}
    result = []
    for entry in entries:
        if entry["start"] not in starts:
            raise DataError(f"growth: found an entry for epoch {entry['start']}, at which no phase of the plan starts")
        shown = {field.name: entry[field.name] for field in fields(HandOver) if field.name in entry}
        result.append(shown | {"phase": starts[entry["start"]]})
    return result


def with_stale(rows: Sequence[dict[str, Any]], stale: Mapping[int, str]) -> list[dict[str, Any]]:
    """
    :param stale: epoch → why its results are stale
    :return: the rows, with the reason for phases that contain such an epoch
    """
    return [
        {**row, "stale": next((stale[e] for e in range(row["first_epoch"], row["last_epoch"] + 1) if e in stale), None)}
        for row in rows
    ]


def with_times(rows: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """:return: the rows with the training time of the phase"""
    result = []
    for row in rows:
        seconds = [record["seconds"] for record in records if record["phase"] == row["phase"] and "seconds" in record]
        result.append({**row, "seconds": sum(seconds) if seconds else None})
    return result
