"""The tables for the terminal."""

from rich.console import Console

from boulder.report import phase_table, render, score_table
from boulder.report.status import PhaseStatus, status_table


def printed(draw, rows, width=160):
    console = Console(width=width, record=True, file=None, force_terminal=False, quiet=False)
    with console.capture() as capture:
        draw(rows, console)
    return capture.get()


def test_phase_table_shows_changes_sizes_and_overrides(finished):
    text = printed(phase_table, finished["phases"])
    for expected in ("0 ", "1–2", "+ embed, repeat", "58,920", "batch_size = 4000", "original", "7–15", "1,124,904",
                     "− aux_output", "~ lstm0_fw, lstm0_bw: n_out: 64 → 128", "13 min 31 s"):  # fmt: skip
        assert expected in text


def test_phase_table_has_a_time_column_only_if_a_time_is_known(unfinished):
    assert "time" not in printed(phase_table, [{**row, "seconds": None} for row in unfinished["phases"]])
    assert "time" in printed(phase_table, unfinished["phases"])


def test_brackets_are_not_interpreted_as_markup(finished):
    phase = {**finished["phases"][0], "config": {"x": ["bold"]}, "added": ["[red]"], "changed": {"[/]": ["[/nope]"]}}
    text = printed(phase_table, [phase])
    for expected in ('x = ["bold"]', "+ [red]", "~ [/]: [/nope]"):
        assert expected in text


def test_score_table_shows_scores_rates_and_times(finished):
    text = printed(score_table, finished["scores"])
    assert text.count("original") == 9
    for expected in ("cost:output", "error:output", "0.3899", "4.67e-05", "49 s"):
        assert expected in text


def test_each_further_data_set_has_a_column_in_each_table(finished):
    for row in finished["scores"][3:]:
        row["eval"] = {"devtrain": {"cost:output": 0.1234}}
    text = printed(score_table, finished["scores"])
    assert "devtrain" in text
    assert text.count("0.1234") == 12
    assert render(finished).count(">0.1234<") == 12
    row = PhaseStatus("00", "finished", False, 1, 1, 1, {"cost:a": 2.0}, {"cost:a": 3.0}, {"eval": {"cost:a": 4.0}})
    assert "4.000" in printed(lambda rows, console: console.print(status_table(rows, 160)), [row])
    assert "4.000" not in printed(lambda rows, console: console.print(status_table(rows, 110)), [row])


def test_unknown_scores_are_dashes(unfinished):
    line = next(line for line in printed(score_table, unfinished["scores"]).splitlines() if line.split()[:1] == ["2"])
    assert line.split()[3:7] == ["1.635", "–", "0.5450", "–"]


def test_empty_tables_have_headings():
    assert "index" in printed(phase_table, [])
    assert "epoch" in printed(score_table, [])
