"""The names of phases above a curve."""

from itertools import pairwise

import pytest

from boulder.report import PhaseRow
from boulder.report.phase_names import phase_names


def phases(*epochs: int, original: bool = False) -> list[PhaseRow]:
    rows, first = [], 1
    for number, length in enumerate(epochs):
        index = None if original and number == len(epochs) - 1 else number
        rows.append(PhaseRow(number, index, first, first + length - 1, True, None, 0))
        first += length
    return rows


def texts(rows, character):
    return [name.text for name in phase_names(rows, rows[-1].last_epoch, character)]


def test_wide_phases_have_long_names():
    assert texts(phases(9, 9, 9, original=True), 1) == ["index 0", "index 1", "original"]


def test_narrow_phases_have_only_a_number():
    assert texts(phases(3, 3, 3, 12), 1) == ["0", "1", "2", "index 3"]


@pytest.mark.parametrize(("character", "step"), [(0.2, 1), (0.5, 2), (1.2, 5), (2.0, 10)])
def test_many_phases_are_named_at_regular_steps_and_the_last_always(character, step):
    found = texts(phases(*[1] * 60, original=True), character)
    numbers = [int(text) for text in found[:-1]]
    assert numbers == list(range(0, numbers[-1] + 1, step))
    assert numbers[-1] >= 59 - 4 * step
    assert found[-1] == "orig."


def test_a_wide_phase_among_narrow_ones_has_a_name():
    assert "index 31" in texts(phases(*[1] * 31, 20, *[1] * 10), 1.2)


@pytest.mark.parametrize("character", [0.1, 0.7, 3.0, 50.0])
@pytest.mark.parametrize("epochs", [[1] * 200, [1, 30] * 20, [30, 1, 1, 1] * 9, [5]])
def test_names_never_overlap(epochs, character):
    rows = phases(*epochs, original=True)
    found = phase_names(rows, rows[-1].last_epoch, character)
    assert found
    assert all(left.right <= right.left for left, right in pairwise(found))


def test_a_plan_without_phases_has_no_names():
    assert phase_names([], 1, 1.0) == []
