"""What a parameter is, before it has values."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from math import prod


def variable_scope(layer: str) -> str:
    """:return: how RETURNN spells the name of a layer in the names of its variables"""
    scope = re.sub("[:(){}&+*'\" ,-]", "__", "".join(c for c in layer if c.isascii()))
    return f".{ord(scope[0])}.{scope[1:]}" if scope.startswith(("_", "\\", "/")) else scope


@dataclass(frozen=True)
class Part:
    """A run of entries along one axis of a parameter that belong together.

    :param label: whose they are: the source layer's name, a gate ("input"), or "" where the axis is of one piece
    :param size: number of entries
    """

    label: str
    size: int


@dataclass(frozen=True)
class ParamSpec:
    """
    :param layer: absolute name of the layer that owns it
    :param name: name within the layer, e.g. "W" or "rec/W_re"; with `layer` what growth matches old and new by
    :param path: RETURNN's variable name, e.g. "lstm0_fw/rec/W"
    :param shape: sizes
    :param init: initializer, see `boulder.network.initializers`
    :param trainable: False for constants and running means
    :param splits: per axis, the parts it is made of: rows by source layer, columns by gate
    :param returnn_splits: per axis, the sizes that RETURNN's `param_axes_split_info` would list for this parameter, or
        None if it has none; `subset` growth needs them to do what RETURNN does
    :param l2: the factor of its sum of squares in the objective
    """

    layer: str
    name: str
    path: str
    shape: tuple[int, ...]
    init: str | float = "glorot_uniform"
    dtype: str = "float32"
    trainable: bool = True
    splits: tuple[tuple[Part, ...], ...] = ()
    returnn_splits: tuple[tuple[int, ...], ...] | None = None
    l2: float = 0.0

    @property
    def size(self) -> int:
        return prod(self.shape)

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict) -> ParamSpec:
        tuples = {
            "shape": tuple(value["shape"]),
            "splits": tuple(tuple(Part(**part) for part in axis) for axis in value["splits"]),
            "returnn_splits": value["returnn_splits"] and tuple(tuple(axis) for axis in value["returnn_splits"]),
        }
        return cls(**{**value, **tuples})
