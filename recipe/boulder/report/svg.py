"""A matplotlib figure as SVG to put into a page: same bytes for the same figure, and the page's fonts and colours."""

import io
import re
from typing import TYPE_CHECKING

from boulder.report.curves import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def inline_svg(figure: "Figure", name: str, label: str, css_class: str = "") -> str:
    """
    :param figure: drawn with boulder.report.curves.COLORS
    :param name: unique in the page; the ids inside derive from it, as two pictures must not share a clip path
    :param label: what the picture shows, read out to who cannot see it
    :param css_class: of the `<svg>` element
    :return: an `<svg>` element without size (the page decides), date, comments or address; text stays text
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
    view_box = re.search(r'viewBox="([^"]*)"', text).group(1)
    # HTML knows the namespaces of SVG: declared again they would only look like addresses.
    opening = f'<svg class="{escape(css_class)}" viewBox="{view_box}" role="img" aria-label="{escape(label)}">'
    text = re.sub(r"^<svg[^>]*>", lambda _: opening, text)
    # Groups are called axes_1, line2d_3, … in every picture; nothing refers to them.
    text = re.sub(
        r' id="(?:figure|axes|patch|line2d|text|legend|matplotlib\.axis|xtick|ytick|FillBetween)[^"]*"', "", text
    )
    for color, value in COLORS.items():
        text = text.replace(value, f"var(--{color})")
    return text.strip()
