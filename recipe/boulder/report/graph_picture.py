"""Draws a job graph: a box per job, colored by state, and a line per dependency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boulder.errors import ConfigError, nearest
from boulder.report.graph_layout import Arrangement, Edge, arrange, without_detours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".svg", ".png", ".pdf", ".dot")

_COLORS = {
    "finished": "#d3ecd9", "running": "#8fc3f0", "queue": "#cfe5f9", "runnable": "#e8f2fb", "waiting": "#f1f3f5",
    "hold": "#e4d4f4", "interrupted_resumable": "#fbe7b8", "unknown": "#fbe7b8",
}  # fmt: skip
_FAILED_COLOR = "#f5b5b0"
_INK, _FAINT, _STALE = "#1c2733", "#9aa5b1", "#b7791f"
_CHARACTER = 0.078  # width in inches
_BOX, _SPACE = 0.52, 0.43  # height of a box and of the space between layers, in inches
_MARGIN = 0.3  # inches
_MAX_PIXELS = 30_000


@dataclass(frozen=True)
class JobBox:
    """
    :param key: identifier of the job in edges
    :param name: name to show
    :param state: Sisyphus's name of the state
    :param note: further information, e.g. `12/30 epochs`
    :param is_stale: whether a job that it depends on was rerun after it finished
    """

    key: str
    name: str
    state: str
    note: str = ""
    is_stale: bool = False

    @property
    def text(self) -> str:
        return " · ".join([self.state, *(["stale"] if self.is_stale else []), *([self.note] if self.note else [])])

    @property
    def color(self) -> str:
        return _COLORS.get(self.state, _FAILED_COLOR)


def check_suffix(path: str) -> None:
    """:raises ConfigError: if the suffix is not one of `SUFFIXES`"""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        expected = ", ".join(SUFFIXES)
        raise ConfigError(
            f"{path}: found {suffix or 'no suffix'!r}, expected one of {expected}{nearest(suffix, SUFFIXES)}"
        )


def draw_graph(boxes: Sequence[JobBox], edges: Sequence[Edge], hand_overs: Sequence[Edge], path: str) -> None:
    """
    :param boxes: jobs in topological order
    :param edges: (key of a job, key of a job that uses its outputs); edges that others imply are left out
    :param hand_overs: the part of `edges` that hands over a checkpoint, drawn in bold
    :param path: output file, with one of `SUFFIXES`
    :raises ConfigError: for another suffix
    """
    check_suffix(path)
    keys = [box.key for box in boxes]
    shown = without_detours(keys, edges, keep=hand_overs)
    if Path(path).suffix.lower() == ".dot":
        Path(path).write_text(_dot(boxes, shown, hand_overs), encoding="utf-8")
        return
    _draw(boxes, arrange(keys, shown), set(hand_overs), path)


def _dot(boxes: Sequence[JobBox], edges: Sequence[Edge], hand_overs: Sequence[Edge]) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = ["digraph jobs {", "  node [shape=box, style=filled];"]
    for box in boxes:
        label = f"{quoted(box.name)[:-1]}\\n{quoted(box.text)[1:]}"
        lines.append(f"  {quoted(box.key)} [label={label}, fillcolor={quoted(box.color)}];")
    for source, target in edges:
        style = "" if (source, target) in hand_overs else ' [color="#9aa5b1"]'
        lines.append(f"  {quoted(source)} -> {quoted(target)}{style};")
    return "\n".join([*lines, "}", ""])


def _draw(boxes: Sequence[JobBox], arranged: Arrangement, hand_overs: set[Edge], path: str) -> None:
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    width = max(1.6, _CHARACTER * max(max(len(box.name) * 1.08, len(box.text)) for box in boxes) + 0.25)
    sheet = _sheet(arranged, width)
    centers = {key: sheet.point(*place) for key, place in arranged.positions.items()}
    every = [*centers.values(), *(sheet.point(*place) for line in arranged.lines.values() for place in line)]
    left, right = (edge(x for x, _ in every) for edge in (min, max))
    bottom, top = (edge(y for _, y in every) for edge in (min, max))
    left, right = left - width / 2 - _MARGIN, right + width / 2 + _MARGIN
    bottom, top = bottom - _BOX / 2 - _MARGIN, top + _BOX / 2 + _MARGIN
    figure = Figure(figsize=(right - left, top - bottom))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(bottom, top))
    axes.set_axis_off()
    for edge, places in arranged.lines.items():
        _draw_line(axes, sheet, places, is_hand_over=edge in hand_overs)
    for box in boxes:
        x, y = centers[box.key]
        border: dict[str, Any] = (
            {"edgecolor": _STALE, "linewidth": 1.6, "linestyle": "--"}
            if box.is_stale
            else {"edgecolor": _INK, "linewidth": 0.7}
        )
        corner, style = (x - width / 2, y - _BOX / 2), "round,pad=0,rounding_size=0.08"
        axes.add_patch(FancyBboxPatch(corner, width, _BOX, boxstyle=style, facecolor=box.color, zorder=2, **border))
        text: dict[str, Any] = {"ha": "center", "va": "center", "color": _INK, "zorder": 3}
        axes.text(x, y + 0.1, box.name, fontsize=9, fontweight="bold", **text)
        axes.text(x, y - 0.12, box.text, fontsize=8, **text)
    # Text stays text, and equal graphs give equal bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "boulder", "font.family": "DejaVu Sans"}):
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(Path(path).suffix.lower())
        figure.savefig(path, dpi=min(150, _MAX_PIXELS / max(right - left, top - bottom)), metadata=metadata)


@dataclass(frozen=True)
class _Sheet:
    """
    Converts positions of an arrangement to inches.

    :param across: distance between boxes of a layer, center to center
    :param along: distance between layers, center to center
    :param half: half the size of a box, perpendicular to the layers
    :param is_upright: whether layers follow each other downwards; otherwise to the right
    """

    across: float
    along: float
    half: float
    is_upright: bool

    def point(self, x: float, layer: float, offset: float = 0.0) -> tuple[float, float]:
        """:param offset: additional distance perpendicular to the layers, in inches"""
        across, along = x * self.across, layer * self.along + offset
        return (across, -along) if self.is_upright else (along, -across)


def _sheet(arranged: Arrangement, width: float) -> _Sheet:
    """:return: the orientation with the shorter longer side"""
    upright = _Sheet(width, _BOX + _SPACE, _BOX / 2, is_upright=True)
    sideways = _Sheet(_BOX * 1.1, width + 1.5 * _SPACE, width / 2, is_upright=False)
    spans = [max(values) - min(values) for values in zip(*arranged.positions.values(), strict=True)]

    def longer_side(sheet: _Sheet) -> float:
        return max(spans[0] * sheet.across, spans[1] * sheet.along)

    return min(upright, sideways, key=longer_side)


def _draw_line(axes: Axes, sheet: _Sheet, places: list[tuple[float, float]], is_hand_over: bool) -> None:
    """Draw a curve between two boxes that runs straight past the boxes of the layers in between."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    begin, *between, end = places
    stops = [(*begin, sheet.half)]
    for place in between:
        stops += [(*place, -sheet.half), (*place, sheet.half)]
    stops.append((*end, -sheet.half))
    vertices, codes = [sheet.point(*stops[0])], [Curve.MOVETO]
    for number, (before, after) in enumerate(pairwise(stops)):
        if number % 2:
            vertices.append(sheet.point(*after))
            codes.append(Curve.LINETO)
        else:
            half = (sheet.along - 2 * sheet.half) / 2
            turns = [sheet.point(*before[:2], before[2] + half), sheet.point(*after[:2], after[2] - half)]
            vertices += [*turns, sheet.point(*after)]
            codes += [Curve.CURVE4] * 3
    color, line = (_INK, 1.6) if is_hand_over else (_FAINT, 0.9)
    style = "-|>,head_length=5,head_width=2.5"
    curve = Curve(vertices, codes)
    axes.add_patch(FancyArrowPatch(path=curve, arrowstyle=style, color=color, linewidth=line, shrinkA=0, shrinkB=0))
