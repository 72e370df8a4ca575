"""Converts a matplotlib figure to inline SVG, deterministically, with the fonts and colours of the page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from boulder.report.curves import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def inline_svg(figure: Figure, name: str, label: str, css_class: str = "") -> str:
    """
    :param figure: drawn with boulder.report.curves.COLORS
    :param name: unique within the page; prefixes the ids inside, because two figures must not share a clip path
    :param label: description for screen readers
    :param css_class: class of the `<svg>` element
    :return: an `<svg>` element without size, date, comments or URLs, with text as text
    """
    import matplotlib
    from markupsafe import escape

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    view_box = text.split('viewBox="', 1)[1].split('"', 1)[0]
    # HTML knows the SVG namespaces; without their declarations the page contains no URL.
    opening = f'<svg class="{escape(css_class)}" viewBox="{view_box}" role="img" aria-label="{escape(label)}">'
    text = re.sub(r"^<svg[^>]*>", lambda _: opening, text)
    # Groups have the same ids (axes_1, line2d_3, …) in every figure, and nothing refers to them.
    text = re.sub(
        r' id="(?:figure|axes|patch|line2d|text|legend|matplotlib\.axis|xtick|ytick|FillBetween)[^"]*"', "", text
    )
    for color, value in COLORS.items():
        text = text.replace(value, f"var(--{color})")
    return text.strip()
