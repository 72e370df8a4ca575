"""A panel of a recording as an image in a page."""

from __future__ import annotations

import base64
import io

import numpy as np

from boulder.report.curves import COLORS
from boulder.report.recordings import Panel


def panel_image(panel: Panel) -> str:
    """
    :return: a data URI of a PNG with a pixel per value. Probabilities are the opacity of one colour, so that the page's
        background shows in both themes
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb
    from matplotlib.image import imsave

    values = np.array(panel.values, "float32")
    if panel.kind == "spectrogram":
        pixels = colormaps["magma"](values)
    else:
        color = np.broadcast_to(np.array(to_rgb(COLORS["dev"])), (*values.shape, 3))
        pixels = np.concatenate([color, values[..., None]], axis=-1)
    buffer = io.BytesIO()
    imsave(buffer, (255 * pixels).round().astype("uint8"), format="png", metadata={"Software": ""})
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
