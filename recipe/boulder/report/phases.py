"""Rows of the phase table, from a plan, its networks and the records of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from boulder.errors import DataError
from boulder.network import NetworkSpec
from boulder.report.handover import HandOver
from boulder.schedule import Plan, changes
from boulder.training.growth import GrowthReport

_GROWTH = ("copied", "grown", "initialised", "dropped")


def phase_rows(plan: Plan, specs: Sequence[NetworkSpec | None], growth: Sequence[GrowthReport | None]) -> list[dict]:
    """
    :param specs: the network of each phase of the plan; None where its parameters are unknown
    :param growth: for each phase, from `boulder.training.growth.planned_growth`
    :return: a dict for each phase, see `boulder.report.PhaseRow`
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


def number_scores(records: Sequence[dict], rows: Sequence[dict]) -> list[dict]:
    """:return: the records of a scores file with the number of their phase, reduced to the keys that a report shows"""
    shown = ("epoch", "index", "learning_rate", "train", "dev", "seconds", "steps", "frames")
    result = []
    for record in records:
        phase = next(row["phase"] for row in rows if row["first_epoch"] <= record["epoch"] <= row["last_epoch"])
        result.append({key: record[key] for key in shown if key in record} | {"phase": phase})
    return result


def number_growth(entries: Sequence[dict], rows: Sequence[dict]) -> list[dict]:
    """
    :param entries: entries of the growth files of the training jobs, in order
    :return: input of `boulder.report.HandOver`
    :raises DataError: for an entry that starts at an epoch where no phase begins
    """
    begins = {row["first_epoch"]: row["phase"] for row in rows}
    result = []
    for entry in entries:
        if entry["start"] not in begins:
            raise DataError(f"growth: an entry starts at epoch {entry['start']}, where no phase of the plan begins")
        shown = {field.name: entry[field.name] for field in fields(HandOver) if field.name in entry}
        result.append(shown | {"phase": begins[entry["start"]]})
    return result


def with_stale(rows: Sequence[dict], stale: Mapping[int, str]) -> list[dict]:
    """
    :param stale: epoch → reason why its results are stale
    :return: the rows, with the reason if any of their epochs is stale
    """
    return [
        {**row, "stale": next((stale[e] for e in range(row["first_epoch"], row["last_epoch"] + 1) if e in stale), None)}
        for row in rows
    ]


def with_times(rows: Sequence[dict], records: Sequence[dict]) -> list[dict]:
    """:return: the rows with the seconds of their epochs"""
    result = []
    for row in rows:
        seconds = [record["seconds"] for record in records if record["phase"] == row["phase"] and "seconds" in record]
        result.append({**row, "seconds": sum(seconds) if seconds else None})
    return result
