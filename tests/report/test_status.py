"""The tables of `boulder status`."""

from dataclasses import replace

from rich.console import Console

from boulder.report.status import PhaseStatus, loss_table, shown_loss, status_table

LOSSES = {"cost:ctc", "error:ctc", "cost:output", "error:output"}
FIRST = PhaseStatus("00", "finished", False, 2, 2, epoch=2, train={"cost:ctc": 3.0, "error:ctc": 0.5},
                    dev={"cost:ctc": None, "error:ctc": None}, measure="error:ctc")  # fmt: skip
BOTH = {"cost:ctc": 2.0, "error:ctc": 0.25, "cost:output": 1.5, "error:output": 0.125}
LAST = PhaseStatus(
    "final", "running", False, 1, 2, epoch=3, train=BOTH, dev=BOTH, scales={"ctc": 0.0}, measure="error:output"
)
ROWS = [FIRST, LAST, PhaseStatus("later", "waiting", False, 0, 2)]


def lines(table, width=60):
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(table)
    assert all(len(line) <= width for line in capture.get().splitlines())
    return [line.split() for line in capture.get().splitlines()]


def test_the_table_shows_the_loss_that_tells_how_well_the_task_is_solved():
    kinds, heads, _, *rows = (row for row in lines(status_table(ROWS, 60, LOSSES)) if row)
    assert kinds == ["cost", "error"]
    assert heads[3:5] == ["dev", "dev"]
    assert shown_loss(ROWS, LOSSES) == "output"
    assert [row[3:] for row in rows] == [["off", "off"], ["1.500", "0.1250"], []]


def test_the_error_of_a_regression_is_not_shown():
    row = replace(FIRST, measure="cost:ctc")
    assert next(row for row in lines(status_table([row], 60)) if row) == ["cost"]


def test_a_score_that_is_no_number_is_a_dash():
    (row,) = (row for row in lines(status_table([FIRST], 120, LOSSES), 120) if row[:1] == ["00"])
    assert row[3:7] == ["3.000", "–", "0.5000", "–"]


def test_all_losses_are_shown_on_request_also_those_that_are_off():
    rows = [row for row in lines(loss_table(ROWS, LOSSES)) if row][3:7]
    assert rows == [
        ["00", "output", "off", "–", "–", "–", "–"],
        ["ctc", "1", "3.000", "–", "0.5000", "–"],
        ["final", "output", "1", "1.500", "1.500", "0.1250", "0.1250"],
        ["ctc", "off", "2.000", "2.000", "0.2500", "0.2500"],
    ]
