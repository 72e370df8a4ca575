"""The record of an epoch as lines for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from boulder.schedule.labels import index_label
from boulder.training.history import EpochRecord, scores_by_data


def describe_record(record: Mapping[str, Any] | EpochRecord, losses: Collection[str] = ()) -> str:
    """
    :param losses: keys of the scores of the whole training, such as "cost:output". With several layers among them the line names
        layers; a loss that this epoch lacks, or whose scale is 0, is off.
    :return: one line: epoch, scores of each data set, time
    """
    values = cast(Mapping[str, Any], record)
    by_data = scores_by_data(values)
    own = [key for key in values["train"] if key.startswith(("cost:", "error:"))]
    keys = [*own, *sorted({*losses} - {*own})]
    single = len({key.split(":")[1] for key in keys}) == 1  # a single loss: its layer need not be named
    scores = []
    for key in keys:
        what, layer = key.split(":", 1)
        name = f"exp {what}" if layer.endswith(":exp") else what
        told = name if single else key
        if key not in own:
            scores.append(f"{told} off")
            continue
        scale = values.get("scales", {}).get(layer)
        factor = " (off)" if scale == 0 else f" (× {scale:g})" if scale is not None and what == "cost" else ""
        others = [
            f", {data} {number(of_data[key])}"
            for data, of_data in by_data.items()
            if data != "train" and key in of_data
        ]
        scores.append(f"{told}{factor} {number(values['train'][key])}{''.join(others)}")
    index = index_label(values["index"]).removesuffix(" network")
    rate = f"lr {values['learning_rate']:.3g}"
    if "effective_learning_rate" in values:
        rate += f", {values['effective_learning_rate']:.3g} at its start"
    seconds = f"{values['seconds']:.0f} s" if "seconds" in values else ""
    stopped = f"; training stops early: {values['stopped']}" if "stopped" in values else ""
    return f"epoch {values['epoch']} ({index}, {rate}): {'; '.join([*scores, seconds])}{stopped}"


def number(score: float | None) -> str:
    """:return: four decimals; a dash where there is no number"""
    return "–" if score is None else f"{score:.4f}"
