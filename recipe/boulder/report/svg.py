"""Converts a matplotlib figure to SVG for a page: equal bytes for equal figures, fonts and colours of the page."""

import io
import re
from typing import TYPE_CHECKING

from boulder.report.curves import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def inline_svg(figure: "Figure", name: str, label: str, css_class: str = "") -> str:
    """
    :param figure: figure in the colours `boulder.report.curves.COLORS`
    :param name: unique in the page; the ids in the SVG derive from it, since two figures must not share a clip path
    :param label: description for screen readers
    :param css_class: class of the `<svg>` element
    :return: an `<svg>` element without size (the page sets it), date, comments and URLs; text stays text
    """
    import matplotlib
    from markupsafe import escape

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=no_metadata, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    (view_box,) = re.findall(r'^<svg[^>]*viewBox="([^"]*)"', text)
    # HTML needs no namespace declarations of SVG, and they would look like external URLs.
    opening = f'<svg class="{escape(css_class)}" viewBox="{view_box}" role="img" aria-label="{escape(label)}">'
    text = re.sub(r"^<svg[^>]*>", lambda _: opening, text)
    # Groups have the ids axes_1, line2d_3, … in every figure, and nothing refers to them.
    text = re.sub(
        r' id="(?:figure|axes|patch|line2d|text|legend|matplotlib\.axis|xtick|ytick|FillBetween)[^"]*"', "", text
    )
    for color, value in COLORS.items():
        text = text.replace(value, f"var(--{color})")
    return text.strip()
