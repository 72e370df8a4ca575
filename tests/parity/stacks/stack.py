"""A stack of layers on frames that grows piece by piece, and the register of pieces."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Layers = dict[str, dict[str, Any]]
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
}


@dataclass
class Stack:
    """
    :param top: name of the last layer, whose axes are batch, time and feature
    :param size: of its features
    :param aligned: whether it has the frames of `data`
    :param outputs: layers like `top`
    """

    rng: random.Random
    layers: Layers = field(default_factory=dict)
    top: str = "data"
    size: int = 6
    aligned: bool = True
    outputs: list[str] = field(default_factory=list)

    def add(self, class_name: str, source: Any = None, suffix: str = "", **options: Any) -> str:
        """:return: name of the new layer, number and class, which reads the last one or `source`"""
        name = f"{len(self.layers):02}_{class_name}{suffix}"
        self.layers[name] = {"class": class_name, "from": self.top if source is None else source, **options}
        return name

    def linear(self, source: Any = None, size: int | None = None, **options: Any) -> str:
        options = {"activation": self.rng.choice(["tanh", "sigmoid", "gelu", "swish", None]), **options}
        return self.add("linear", source, n_out=size or self.rng.randint(2, 6), **options)

    def even(self) -> None:
        """The features become an even number, 4 or 6."""
        if self.size not in (4, 6):
            self.rise(self.linear(size=self.rng.choice([4, 6])))

    def widen(self, size: int) -> None:
        """The features become so many."""
        if self.size != size:
            self.rise(self.linear(size=size))

    def rise(self, name: str, size: int | None = None) -> None:
        """The stack ends in this layer."""
        self.top, self.size = name, size or self.layers[name].get("n_out") or self.size
        self.outputs.append(name)


PIECES: dict[str, Callable[[Stack], None]] = {}
LEAKS: set[str] = set()
"""pieces that read the padding in RETURNN"""


def piece(function: Callable[[Stack], None] | None = None, *, leaks: bool = False) -> Any:
    def register(function: Callable[[Stack], None]) -> Callable[[Stack], None]:
        PIECES[function.__name__] = function
        if leaks:
            LEAKS.add(function.__name__)
        return function

    return register(function) if function else register
