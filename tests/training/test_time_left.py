"""The estimated remaining time of a phase."""

import pytest

from boulder.training.time_left import seconds_left


def records(*seconds):
    return [{"epoch": epoch, "seconds": taken} for epoch, taken in enumerate(seconds, 1)]


@pytest.mark.parametrize(
    ("done", "progress", "left"),
    [
        ([], None, None),
        ([10, 20], None, 3 * 15),
        ([10, 20], {"what": "epoch 3 (index 0)", "done": 5, "total": 20}, 2.75 * 15),
        ([10, 20], {"what": "dev", "done": 1, "total": 2}, 2 * 15),
        ([10, 20], {"what": "epoch 3 (index 0)", "done": 5, "total": None}, 3 * 15),
        ([], {"what": "epoch 1 (index 0)", "done": 11, "total": None, "batches": 10, "seconds": 5}, None),
        ([100, 10, 10, 10], None, 10),  # the last ones count
        ([10] * 5, None, 0),
        ([], {"what": "epoch 1 (index 0)", "done": 11, "total": 20, "batches": 10, "seconds": 5}, (5 - 11 / 20) * 10),
        ([], {"what": "epoch 1 (index 0)", "done": 1, "total": 20, "batches": 0, "seconds": 0}, None),
    ],
)
def test_the_last_epochs_and_the_one_in_progress_give_the_estimate(done, progress, left):
    assert seconds_left(range(1, 6), records(*done), progress) == (left if left is None else pytest.approx(left))


def test_epochs_of_the_previous_phase_do_not_count():
    assert seconds_left(range(3, 5), records(1000, 1000, 10)) == 10
