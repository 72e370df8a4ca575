"""Figures of scores and learning rates by epoch, with the borders of the phases."""

import math
from collections.abc import Iterable
from itertools import cycle
from typing import TYPE_CHECKING, Any

from boulder.report.formatting import is_known
from boulder.report.model import PhaseRow, ScoreRow, load_phases, load_scores
from boulder.report.phase_names import phase_names
from boulder.report.summary import score_keys, score_parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import LineStyleType

# Colors of the light theme. The HTML report replaces each one by the CSS variable of the same name (boulder.report.svg),
# so they must differ.
COLORS = {
    "ink": "#1b2430",
    "muted": "#5d6977",
    "rule": "#dde2e8",
    "band": "#f2f5f8",
    "train": "#8492a4",
    "dev": "#0a63c9",
    "eval1": "#8a5a01",
    "eval2": "#7d3fa8",
    "eval3": "#1d7a47",
    "eval4": "#a8326e",
    "eval5": "#5a6b00",
    "eval6": "#007a8a",
}
_FURTHER = ("eval1", "eval2", "eval3", "eval4", "eval5", "eval6")  # of further data sets, in turn

_FONT_SIZE = 9  # points
_CHARACTER = 0.6 * _FONT_SIZE / 72  # approximate width of a character, in inches
_WIDTH_FOR_BORDER = 0.08  # inches; narrower phases have no border line, only the background
_SPAN_FOR_LOG = 10  # ratio of the largest to the smallest value from which the axis is logarithmic


def learning_curve(
    scores: Iterable[ScoreRow | dict[str, Any]], phases: Iterable[PhaseRow | dict[str, Any]], width: float = 9.6
) -> "Figure":
    """
    :param scores: rows of epochs, or plain data with their fields
    :param phases: rows of the whole plan; epochs without scores stay empty
    :param width: width in inches; below 6, for phones, the panels are in one column
    :return: figure with a panel per score key, for `.savefig("x.svg")` or `.savefig("x.png", dpi=200)`
    :raises DataError: for invalid plain data
    """
    from matplotlib.transforms import ScaledTranslation

    score_rows, phase_rows = load_scores(scores), load_phases(phases)
    keys, parts = score_keys(score_rows) or [""], score_parts(score_rows)
    further = [part for part in parts if part not in ("train", "dev")]
    colors = {"train": "train", "dev": "dev"} | dict(zip(further, cycle(_FURTHER), strict=False))
    styles = {part: dashes(number // len(_FURTHER)) for number, part in enumerate(further)}
    columns = 1 if width < 6 or len(keys) == 1 else 2
    rows = math.ceil(len(keys) / columns)
    figure = _figure(width, rows * (2.6 if columns == 1 and width < 6 else 3.2))
    for number, key in enumerate(keys, start=1):
        axes = figure.add_subplot(rows, columns, number)
        _frame(axes, key or "no scores yet", score_rows, phase_rows, width / columns)
        drawn: list[float] = []
        for part in parts:
            values = [_known_or_nan(row.of(part).get(key)) for row in score_rows]
            known = [value for value in values if is_known(value)]
            if known:
                # The markers show an epoch between two unknown ones, where there is no line.
                axes.plot(
                    [row.epoch for row in score_rows],
                    values,
                    color=COLORS[colors[part]],
                    linewidth=2.0 if part == "dev" else 1.4,
                    linestyle=styles.get(part, "-"),
                    marker="o",
                    markersize=3.2 if len(score_rows) <= 60 else 1.2,
                    label=part,
                )
                drawn += known
        _scale(axes, drawn)
        if drawn:
            # On the line of the title, since the names of the phases are between the title and the panel.
            raised = axes.transAxes + ScaledTranslation(0, 15 / 72, figure.dpi_scale_trans)
            axes.legend(
                loc="lower right", bbox_to_anchor=(1.0, 1.0), bbox_transform=raised, borderaxespad=0, ncols=len(parts),
                frameon=False, labelcolor="linecolor", handlelength=1.2, columnspacing=1.2, fontsize=_FONT_SIZE,
            )  # fmt: skip
    return figure


def learning_rate_curve(
    scores: Iterable[ScoreRow | dict[str, Any]], phases: Iterable[PhaseRow | dict[str, Any]], width: float = 9.6
) -> "Figure":
    """
    :param scores: rows of epochs, or plain data with their fields
    :param phases: rows of the whole plan
    :param width: width in inches
    :return: figure of the learning rate of each epoch, on a logarithmic axis if it varies by a factor of 10 or more
    :raises DataError: for invalid plain data
    """
    score_rows, phase_rows = load_scores(scores), load_phases(phases)
    figure = _figure(width, 1.9 if width < 6 else 2.1)
    axes = figure.add_subplot()
    _frame(axes, "learning rate", score_rows, phase_rows, width)
    values = [_known_or_nan(row.learning_rate) for row in score_rows]
    known = [value for value in values if is_known(value)]
    if known:
        # The rate is constant within an epoch.
        edges = [(row.epoch - 0.5, row.epoch + 0.5, value) for row, value in zip(score_rows, values, strict=True)]
        axes.plot(
            [x for left, right, _ in edges for x in (left, right)],
            [value for _, _, value in edges for _ in range(2)],
            color=COLORS["dev"],
            linewidth=1.8,
        )
    _scale(axes, known)
    return figure


def dashes(turn: int) -> "LineStyleType":
    """:return: line style of the data sets that get the colours for the n-th time: solid, then longer and longer dashes"""
    return (0, (3.0 * turn, 1.5)) if turn else "-"


def _known_or_nan(value: float | None) -> float:
    return value if is_known(value) else math.nan


def _figure(width: float, height: float) -> "Figure":
    # Not pyplot, which keeps every figure alive and needs a display.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _frame(axes: "Axes", title: str, scores: list[ScoreRow], phases: list[PhaseRow], width: float) -> None:
    """
    Draw everything but the curves: title, axes, and the borders and names of the phases.

    :param width: width of the panel in inches
    """
    from matplotlib.ticker import MaxNLocator

    room = int(0.6 * width / _CHARACTER)  # the legend takes the rest
    title = title if len(title) <= room else title[: room - 1] + "…"
    # Without parse_math, `$` in a key would start a formula.
    style: dict[str, Any] = {
        "fontsize": _FONT_SIZE + 1.5,
        "fontweight": "bold",
        "color": COLORS["ink"],
        "parse_math": False,
    }
    axes.set_title(title, loc="left", pad=20, **style)
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(COLORS["rule"])
    axes.tick_params(colors=COLORS["muted"], length=0, labelsize=_FONT_SIZE - 0.5, pad=4)
    axes.grid(axis="y", color=COLORS["rule"], linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel("epoch", fontsize=_FONT_SIZE, color=COLORS["muted"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=max(3, int(width * 1.8)), min_n_ticks=1))

    last = _last_epoch(scores, phases)
    axes.set_xlim(0.5, last + 0.5)
    shown = [phase for phase in phases if phase.first_epoch <= last]
    inches_per_epoch = 0.85 * width / last
    for number, phase in enumerate(shown):
        left, right = phase.first_epoch - 0.5, min(phase.last_epoch, last) + 0.5
        if number % 2 == 0:
            axes.axvspan(left, right, color=COLORS["band"], linewidth=0, zorder=0)
        if number > 0 and (right - left) * inches_per_epoch > _WIDTH_FOR_BORDER:
            color = COLORS["muted" if len(shown) <= 20 else "rule"]  # many dark borders would hide the curves
            axes.axvline(left, color=color, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    for name in phase_names(shown, last, _CHARACTER / inches_per_epoch):
        axes.annotate(
            name.text, xy=(name.center, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="center", va="bottom", fontsize=_FONT_SIZE - 1, color=COLORS["muted"],
        )  # fmt: skip


def _last_epoch(scores: list[ScoreRow], phases: list[PhaseRow]) -> int:
    """:return: last epoch of the plan, to show how far the pipeline is; an earlier one if few epochs are done"""
    done = scores[-1].epoch if scores else 0
    planned = phases[-1].last_epoch if phases else 1
    # 10 of 500 epochs would be an unreadable stroke at the left border.
    return max(done, min(planned, max(3 * done, 40)))


def _scale(axes: "Axes", values: list[float]) -> None:
    """Choose a linear or logarithmic y axis, with ticks in plain decimals."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    if not values:
        axes.set_yticks([])
        return
    if min(values) > 0 and max(values) / min(values) >= _SPAN_FOR_LOG:
        axes.set_yscale("log")
        few = max(values) / min(values) < 1000
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=8))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
    elif min(values) == max(values):
        axes.set_yticks(values[:1])  # a constant needs one tick only
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
