"""Measures memory and time of a step of training with and without `recompute`: `.venv/bin/python bench/recompute.py`.

    bench/recompute.py --rows decoder         only this row

With the option, the values within a block, or within an iteration of a loop, are computed again for the gradient instead of being
kept.
"""

from __future__ import annotations

import blocks  # beside this file
import variants

_SIZES = {"features": 80, "classes": 100, "steps": 1}
_VARIANTS = {"everything kept": {"recompute": False}, "`recompute`": {"recompute": True}}
ROWS = {
    "blocks": (
        "8 Transformer layers, width 256, 10 × 400 frames",
        _SIZES | {"network": "transformer", "layers": 8, "units": 256, "sequences": 10, "frames": 400},
        _VARIANTS,
    ),
    "decoder": (
        "LSTM decoder with attention, 500 units, 20 × 40 labels on 20 × 100 frames",
        blocks.ROWS["attention"][1] | {"frames": 100, "labels": 40},
        _VARIANTS,
    ),
}

if __name__ == "__main__":
    variants.main(
        "Measures steps with and without recomputation.", ROWS, "gradient", "of the time with everything kept"
    )
