"""Random stacks of layers on frames, drawn from pieces of one to seven layers each."""

from __future__ import annotations

import random
from typing import Any

import tests.parity.stacks.loops
import tests.parity.stacks.pairs
import tests.parity.stacks.pieces  # noqa: F401 (all register their pieces)
from tests.parity.stacks.stack import LEAKS, PIECES, Layers, Stack

Made = tuple[Layers, list[str], bool]
"""net dict; layers with the axes batch, time and feature; whether RETURNN lets the padding leak into them"""


def random_stack(seed: int, pieces: int = 6) -> Made:
    rng = random.Random(seed)
    stack, names = Stack(rng), rng.choices(sorted(PIECES), k=pieces)
    for name in names:
        PIECES[name](stack)
    if stack.aligned and rng.random() < 0.6:
        output = {"class": "softmax", "from": stack.top, "loss": "ce", "target": "classes"}
        output |= rng.choice([{}, {"loss_opts": {"label_smoothing": 0.1}}, {"loss_scale": 0.3}])
    else:
        output = _squared(stack)
    return stack.layers | {"output": output}, stack.outputs, not LEAKS.isdisjoint(names)


def one_piece(name: str) -> Made:
    stack = Stack(random.Random(name))
    PIECES[name](stack)
    return stack.layers | {"output": _squared(stack)}, stack.outputs, name in LEAKS


def _squared(stack: Stack) -> dict[str, Any]:
    return {"class": "eval", "from": stack.top, "eval": "tf.square(source(0))", "loss": "as_is"}
