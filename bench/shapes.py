"""Measures what a new length of a batch costs a step, with and without XLA: `.venv/bin/python bench/shapes.py`.

    bench/shapes.py --rows transformer-256    only these rows

TensorFlow and its libraries prepare some operations for each shape that they meet, XLA compiles the whole step for it. In "new lengths",
each batch has a length that none had before, around that of the others; lengths that are padded to multiples would be seen again.
"""

from __future__ import annotations

import blocks  # beside this file
import lstm
import variants

_PLAIN = {"one length": {}, "new lengths": {"new_lengths": True}}
_XLA = {f"XLA, {variant}": added | {"xla": True} for variant, added in _PLAIN.items()}
_BLSTM = lstm.ROWS["small"] | {"network": "blstm", "unit": "nativelstm2", "steps": 4}
ROWS = {
    "blstm": ("3 × BLSTM-32, 10 × 50 frames", _BLSTM, _PLAIN),  # XLA has no BlockLSTM
    **{name: (*blocks.ROWS[name][:2], _PLAIN | _XLA) for name in ("transformer-256", "transformer-512")},
}

if __name__ == "__main__":
    variants.main(
        "Measures steps of batches of new lengths, with and without XLA.", ROWS, "batches", "of one length without XLA"
    )
