"""What people should know of the scores of an epoch: sequences that count in none of them, and scores that are no numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boulder.network import NetworkSpec
from boulder.training.history import EpochRecord, scores_by_data
from boulder.training.scores import Sums


def warnings_of(
    record: EpochRecord, sums: Mapping[str, Sums], not_finite: Mapping[str, Sequence[str]], units: str = "sequences"
) -> list[str]:
    """
    :param sums: "train", "dev" or the name of a further data set → sums over the epoch
    :param not_finite: name of a data set → what `evaluate` found of scores that are not finite
    :param units: what the training data consists of: "sequences" or "chunks"
    :return: a line each
    """
    lines = []
    for data, of_data in sums.items():
        for layer, (left_out, all_) in of_data.left_out.items():
            what = units if data == "train" else "sequences"
            lines.append(f"{data}: {_left_out(of_data.spec, layer, left_out, all_, what)}")
        lines += [f"{data}: {found}" for found in not_finite.get(data, ())]
    for data, scores in scores_by_data(record).items():
        if missing := [key for key, value in scores.items() if value is None]:
            lines.append(
                f"{data}: {' and '.join(missing)}: no number, so None for schedules; rules of the learning rate, early stopping and "
                "the choice of best epochs pass over it"
            )
    return [f"epoch {record['epoch']}, {line}" for line in lines]


def _left_out(spec: NetworkSpec, layer: str, left_out: int, all_: int, what: str) -> str:
    return f"the loss of layer {layer!r} leaves out {left_out} of {all_} {what}, {spec.losses[layer].loss.left_out}"
