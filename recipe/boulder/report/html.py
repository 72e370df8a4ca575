"""`render`: the report of a pipeline as one HTML file."""

from __future__ import annotations

from pathlib import Path

from boulder.report import summary, words
from boulder.report.alignment import align
from boulder.report.attention import shades
from boulder.report.curves import learning_curve, learning_rate_curve
from boulder.report.handover import layers_of
from boulder.report.model import Report
from boulder.report.svg import inline_svg
from boulder.schedule.labels import index_label

_SIZES = {"wide": 9.6, "narrow": 4.4}  # inches; phones need their own size, as text in a shrunk plot is illegible


def render(report: dict | Report) -> str:
    """
    :param report: a `boulder.report.model.Report`, loaded or as plain data, also of an unfinished pipeline
    :return: a complete HTML document that loads nothing from elsewhere; deterministic
    :raises DataError: for an invalid report
    """
    import jinja2
    from markupsafe import Markup

    if not isinstance(report, Report):
        report = Report.load(report)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # layer names, words and overrides are untrusted text
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    phases, scores = report.phases, report.scores
    pictures = {
        "scores": (learning_curve, "scores on train and dev over the epochs, phase boundaries marked"),
        "rates": (learning_rate_curve, "learning rate over the epochs, phase boundaries marked"),
    }
    svgs = {
        name: [
            Markup(inline_svg(draw(scores, phases, width), f"{name}-{size}", label, f"{name} {size}"))
            for size, width in _SIZES.items()
        ]
        for name, (draw, label) in pictures.items()
    }
    keys = summary.score_keys(scores)
    return environment.get_template("report.html.jinja").render(
        report=report,
        words=words,
        svgs=svgs if scores else None,
        final=summary.final_rates(report.error_rates),
        keys=keys,
        best={key: found for key in keys if (found := summary.best(scores, key))},
        main=summary.main_score(scores),
        parts=[part for part in ("train", "dev") if any(getattr(row, part) for row in scores)],
        states={phase.phase: summary.state(phase, scores) for phase in phases},
        seconds={phase.phase: summary.seconds_of(phase, scores) for phase in phases},
        total_seconds=summary.total_seconds(phases, scores),
        labels={phase.phase: phase.label for phase in phases},
        largest=max((phase.num_params or 0 for phase in phases), default=0),
        hand_overs={entry.phase: entry for entry in report.growth},
        layers_of=layers_of,
        index_label=index_label,
        shades=shades,
        alignments=[(example, align(example)) for example in report.examples],
    )
