"""Renders the report of a pipeline as one HTML file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boulder.report import formatting, summary
from boulder.report.alignment import Pair, align, align_pair
from boulder.report.attention import visible_cells
from boulder.report.curves import learning_curve, learning_rate_curve
from boulder.report.handover import layers_of
from boulder.report.model import Report
from boulder.report.panel_image import panel_image
from boulder.report.recordings import Panel
from boulder.report.svg import inline_svg
from boulder.schedule.labels import index_label

_WIDTHS = {"wide": 9.6, "narrow": 4.4}  # inches; text of the wide figure would be too small on a phone

_MOST_NAMES = 32


def render(report: dict[str, Any] | Report) -> str:
    """
    :param report: a report, or plain data with its fields, see :class:`boulder.report.model.Report`; the pipeline may
        be unfinished
    :return: a complete HTML document without external resources; equal input gives equal text
    :raises DataError: for invalid plain data
    """
    import jinja2
    from markupsafe import Markup

    if not isinstance(report, Report):
        report = Report.load(report)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # names of layers, words and overrides come from the user
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    phases, scores = report.phases, report.scores
    figures = {
        "scores": (learning_curve, "scores by epoch, with the borders of the phases"),
        "learning-rate": (learning_rate_curve, "learning rate by epoch, with the borders of the phases"),
    }
    svgs = {
        name: [
            Markup(inline_svg(draw(scores, phases, width), f"{name}-{size}", label, f"{name} {size}"))
            for size, width in _WIDTHS.items()
        ]
        for name, (draw, label) in figures.items()
    }
    keys = summary.score_keys(scores)
    return environment.get_template("report.html.jinja").render(
        report=report,
        fmt=formatting,
        index_label=index_label,
        svgs=svgs if scores else None,
        final=summary.final_error_rates(report.error_rates),
        keys=keys,
        best={key: found for key in keys if (found := summary.best(scores, key))},
        main=summary.main_score(scores),
        parts=summary.score_parts(scores),
        warnings=summary.warnings_by_epoch(scores),
        completion={phase.phase: summary.completion(phase, scores) for phase in phases},
        seconds={phase.phase: summary.seconds_of(phase, scores) for phase in phases},
        total_seconds=summary.total_seconds(phases, scores),
        labels={phase.phase: phase.label for phase in phases},
        largest=max((phase.num_params or 0 for phase in phases), default=0),
        hand_overs={entry.phase: entry for entry in report.growth},
        layers_of=layers_of,
        visible_cells=visible_cells,
        alignments=[(example, align(example)) for example in report.examples],
        recordings=[(found, align_pair(found.reference, found.hypothesis or [])) for found in report.recordings],
        panel_image=panel_image,
        edits=_edits,
        letter=_letter,
        named=_named,
    )


def _edits(pairs: Sequence[Pair]) -> str:
    """:return: e.g. `2 edits`; a tick if there are none"""
    count = sum(pair.kind != "equal" for pair in pairs)
    return f"{count} edit{'s' if count > 1 else ''}" if count else "✓"


def _named(panel: Panel) -> bool:
    """:return: whether the names of the rows are shown; many rows would make a picture that is higher than the screen"""
    return 0 < len(panel.rows) <= _MOST_NAMES


def _letter(label: str) -> str:
    """:return: the label; a space as a visible sign"""
    return "␣" if label == " " else label
