"""What a schedule leaves out, though it is planned as asked: networks that are never trained, an algo that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.counted import counted
from boulder.schedule.comparing import same_value
from boulder.schedule.construction import Step
from boulder.schedule.labels import index_label


def unreached(steps: Sequence[Step], repetitions: Sequence[int], num_epochs: int) -> list[str]:
    """
    :param steps: the constructed networks and, last, the original one
    :param repetitions: number of epochs of each step
    :param num_epochs: of the training
    :return: a line for each thing that the user may not have meant
    """
    lines = []
    skipped = [index_label(step.index) for step, n in zip(steps[:-1], repetitions[:-1], strict=True) if n == 0]
    if skipped:
        lines.append(f"0 repetitions, so not trained: {', '.join(skipped)}")
    first, missing = 1, []
    for step, count in zip(steps, repetitions, strict=True):
        if count and first > num_epochs:
            missing.append(f"{index_label(step.index)} (from epoch {first})")
        first += count
    if missing:
        lines.append(
            f"the training ends after {counted(num_epochs, 'epoch')}, before the schedule does: the checkpoint at the end is not of "
            f"the last network, and these are not trained: {', '.join(missing)}"
        )
    return lines


def changes_nothing(steps: Sequence[Step]) -> str | None:
    """
    :param steps: what a construction algo returned and, last, the original network
    :return: a line if the algo never changes the network; None if it does
    """
    *made, original = steps
    if not made:
        return "construction_algo returned None at idx 0, so nothing is pretrained; expected it to return its argument net_dict"
    if any(step.depends_on_epoch or step.keys != original.keys for step in made):
        return None
    if all(same_value(step.layers, original.layers) for step in made):
        return (
            f"construction_algo changes nothing: at each of its {counted(len(made), 'index', 'indices')} the network is the "
            "original one"
        )
    return None
