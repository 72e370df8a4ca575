"""The description of a parameter, without its values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import prod


@lru_cache(maxsize=4096)
def variable_scope(layer: str) -> str:
    """:return: the layer's name as RETURNN spells it in the names of its variables"""
    scope = re.sub("[:(){}&+*'\" ,-]", "__", "".join(c for c in layer if c.isascii()))
    return f".{ord(scope[0])}.{scope[1:]}" if scope.startswith(("_", "\\", "/")) else scope


def joined_scope(*scopes: str) -> str:
    """:return: a scope within a scope; "" is the scope of the whole network"""
    return "/".join(scope for scope in scopes if scope)


@dataclass(frozen=True)
class Part:
    """A contiguous part of one axis of a parameter.

    :param label: name of a source layer, a gate ("input"), or "" if the axis is not divided
    :param size: number of entries
    """

    label: str
    size: int


@dataclass(frozen=True)
class ParamSpec:
    """
    :param layer: absolute name of the layer that owns it
    :param name: name within the layer, e.g. "W" or "rec/W_re"; growth matches old and new parameters by `layer` and `name`
    :param path: RETURNN's variable name, e.g. "lstm0_fw/rec/W"
    :param shape: static shape
    :param init: initializer, see `boulder.network.initializers`
    :param trainable: False for constants and running means
    :param splits: for each axis, its parts: rows by source layer, columns by gate
    :param returnn_splits: for each axis, the sizes in RETURNN's `param_axes_split_info` of this parameter, or None if it has
        none; `subset` growth needs them to agree with RETURNN
    :param statistic: whether the network itself changes it in training, such as a running mean; it is not trained
    :param per_unit: whether the last axis is over the units of the layer's sources, which are treated one by one
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
    statistic: bool = False
    per_unit: bool = False

    @property
    def size(self) -> int:
        """:return: number of entries"""
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
        fields = {key: item for key, item in value.items() if key != "l2"}  # older checkpoints have it
        return cls(**{**fields, **tuples})


@dataclass(frozen=True)
class Borrowed:
    """
    A parameter that a layer takes from elsewhere, by `reuse_params`.

    :param name: of the parameter within the layer
    :param shape: that the layer needs
    :param where: the layer, for messages
    :param target: absolute name of the other layer, "/", name of its parameter; "" for other cases
    :param own: the layer's own parameter, if the other layer has none
    :param source: layer whose output is the parameter, as in `LayerSpec.sources`
    :param custom: function that computes it
    :param owner: absolute name of the layer whose parameters the function gets
    """

    name: str
    shape: tuple[int, ...]
    where: str
    target: str = ""
    own: ParamSpec | None = None
    source: str = ""
    custom: Callable | None = None
    owner: str = ""
