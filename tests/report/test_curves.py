"""The figures of scores and learning rates."""

import html
import math
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from boulder.report import learning_curve, learning_rate_curve
from boulder.report.curves import COLORS, dashes
from boulder.report.svg import inline_svg


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines() if line.get_label() in ("train", "dev")}


def test_each_score_key_has_a_panel_with_its_values(finished):
    figure = learning_curve(finished["scores"], finished["phases"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["cost:output", "error:output"]
    for axes in figure.axes:
        for part, line in lines(axes).items():
            expected = [row[part][axes.get_title(loc="left")] for row in finished["scores"]]
            np.testing.assert_array_equal(line.get_xdata(), range(1, 16))
            np.testing.assert_array_equal(line.get_ydata(), expected)


def test_each_further_data_set_has_a_line_of_its_own(finished):
    names = [f"set{number}" for number in range(14)]
    for row in finished["scores"]:
        row["eval"] = {name: {"cost:output": 0.5} for name in names}
    axes = learning_curve(finished["scores"], finished["phases"]).axes[0]
    drawn = [line for line in axes.get_lines() if line.get_label() in names]
    assert [line.get_color() for line in drawn[:6]] == [COLORS[f"eval{number}"] for number in range(1, 7)]
    assert [line.get_linestyle() for line in drawn] == ["-"] * 6 + ["--"] * 8
    assert dashes(1) != dashes(2)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "dev", *names]


def test_phases_have_names_and_borders_between_epochs(finished):
    axes = learning_curve(finished["scores"], finished["phases"]).axes[0]
    borders = [line.get_xdata()[0] for line in axes.get_lines() if list(line.get_ydata()) == [0, 1]]
    assert borders == [2.5, 4.5, 6.5]
    assert [note.get_text() for note in axes.texts] == ["index 0", "index 1", "index 2", "original"]


def test_an_unknown_score_is_a_gap(unfinished):
    axes = learning_curve(unfinished["scores"], unfinished["phases"]).axes[0]
    assert [math.isnan(y) for y in lines(axes)["dev"].get_ydata()] == [False, True, False]


def test_planned_epochs_are_empty_space_on_the_right(unfinished):
    axes = learning_curve(unfinished["scores"], unfinished["phases"]).axes[0]
    assert axes.get_xlim() == (0.5, 15.5)


def test_a_long_plan_is_truncated_while_few_epochs_are_done(unfinished):
    unfinished["phases"][-1]["last_epoch"] = 500
    axes = learning_curve(unfinished["scores"], unfinished["phases"]).axes[0]
    assert axes.get_xlim()[1] == 40.5


@pytest.mark.parametrize("decay", [0.97, 0.5])
def test_learning_rate_has_a_log_axis_if_it_varies_by_a_factor_of_ten(finished, decay):
    for row in finished["scores"]:
        row["learning_rate"] = 0.001 * decay ** row["epoch"]
    axes = learning_rate_curve(finished["scores"], finished["phases"]).axes[0]
    assert axes.get_yscale() == ("log" if decay == 0.5 else "linear")


def test_learning_rate_is_constant_within_an_epoch(finished):
    axes = learning_rate_curve(finished["scores"], finished["phases"]).axes[0]
    rates = [row["learning_rate"] for row in finished["scores"]]
    (line,) = [line for line in axes.get_lines() if len(line.get_xdata()) > 2]
    np.testing.assert_array_equal(line.get_xdata(), [x for e in range(1, 16) for x in (e - 0.5, e + 0.5)])
    np.testing.assert_array_equal(line.get_ydata(), np.repeat(rates, 2))
    assert [note.get_text() for note in axes.texts] == ["index 0", "index 1", "index 2", "original"]


def test_names_of_many_narrow_phases_do_not_overlap(finished):
    phases = [
        {**finished["phases"][0], "phase": i, "index": i, "first_epoch": i + 1, "last_epoch": i + 1} for i in range(120)
    ]
    scores = [{**finished["scores"][0], "epoch": i + 1, "phase": i} for i in range(120)]
    figure = learning_curve(scores, phases, width=4.4)
    FigureCanvasAgg(figure).draw()
    boxes = [note.get_window_extent() for note in figure.axes[0].texts]
    assert len(boxes) > 10
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_colors_differ():
    """The page replaces each color by its value, see `inline_svg`."""
    assert len(set(COLORS.values())) == len(COLORS)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_figure_can_be_saved(finished, tmp_path, suffix):
    path = tmp_path / f"curve.{suffix}"
    learning_curve(finished["scores"], finished["phases"]).savefig(path)
    assert path.stat().st_size > 5_000


@pytest.mark.parametrize("key", ["$", "a$b$c", r"\frac", "$\\undefined$", "", "cost:ö…", "<b>&", "long" * 80])
def test_any_score_key_can_be_drawn(finished, key):
    scores = [{**row, "train": {key: 1.0}, "dev": {}} for row in finished["scores"]]
    text = inline_svg(learning_curve(scores, finished["phases"], width=4.4), "x", "scores")
    assert html.escape(key[:20], quote=False) in text


@pytest.mark.parametrize("values", [(math.nan, math.inf, -math.inf, None), (0.0, -3.0), (1e30, 1e-30)])
def test_any_score_can_be_drawn(finished, values):
    for row, value in zip(finished["scores"][3:], values, strict=False):
        row["dev"] = {"cost:output": value}
        row["learning_rate"] = value
    for draw in (learning_curve, learning_rate_curve):
        assert "nan" not in inline_svg(draw(finished["scores"], finished["phases"]), "x", "x").lower()
