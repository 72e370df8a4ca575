"""Names of layers of extra nets: `extra.NAME:LAYER`, in the net dict and in references.

An extra net is an overlay over the net beside it. It has a mode of its own, "search" if its name contains ".search". It consists of
the layers that are named or read with its prefix; their options are those of `extra.NAME:LAYER` in the net dict, or else of
`LAYER`. They have the paths, and so the parameters, of `LAYER`. A layer of an extra net that reads `x` reads `extra.NAME:x` if
the net dict has it, otherwise the `x` of the net beside it. RETURNN: `TFNetwork.construct_extra_net`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Self

_PREFIX = r"extra(?:\.[A-Za-z0-9_.()]+)?"
_NAME = re.compile(f"({_PREFIX}):(.*)", re.DOTALL)
_REFERENCE = re.compile(f"(?:base:|prev:|layer:)*({_PREFIX}:([^:]+))")
_IN_PATH = re.compile(f"(^|/){_PREFIX}:")


def net_and_name(name: str) -> tuple[str, str]:
    """:return: prefix and name of a layer: ("extra.search", "output"); ("", "output") for a layer of no extra net"""
    match = _NAME.fullmatch(name)
    return (match[1], match[2]) if match else ("", name)


def plain_name(name: str) -> str:
    """
    :param name: absolute name of a layer
    :return: the name with which its parameters are found, in a checkpoint and by layers of other nets
    """
    return _IN_PATH.sub(r"\1", name)


def mode_of(net: str, mode: str) -> str:
    """
    :param net: "extra.search", …
    :param mode: of the net beside it
    :return: mode of the layers of the extra net
    """
    if ".search" in net:
        return "search"
    return "eval" if mode == "search" else mode


def with_extra_layers(layers: Mapping[str, object]) -> dict[str, object]:
    """
    :param layers: net dict
    :return: the net dict with the options of all layers of extra nets, also of those that are only read somewhere
    """
    found = dict(layers)
    waiting: list[object] = [found.copy()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
            name, plain = match[1].partition("/")[0], match[2].partition("/")[0]
            if name not in found and plain in layers:
                found[name] = layers[plain]
    return found


class WithExtraNets:
    """
    A net with extra nets, which share its dict and its layers.

    :ivar extra: prefix of this net, if it is an extra net
    """

    layers: Mapping[str, object]
    mode: str
    place: Any  # a dataclass with the mode

    def _init_nets(self) -> None:
        self.extra = ""
        self._nets: dict[str, Any] = {"": self}  # Any: mypy does not see that `self` is Self here

    def net_of(self, name: str) -> Self:
        """:return: the net that a layer belongs to: this one, the one beside it, or an extra net"""
        extra, _ = net_and_name(name)
        if extra not in self._nets:
            beside = self._nets[""]
            net = self._nets[extra] = copy(beside)
            net.extra, net.mode = extra, mode_of(extra, beside.mode)
            net.place = replace(beside.place, mode=net.mode)
        found: Self = self._nets[extra]
        return found

    def within_extra(self, reference: str) -> str:
        """:return: the reference with the prefix of the extra net, if this is one and the net dict has the layer"""
        name = f"{self.extra}:{reference}"
        return name if self.extra and name.partition("/")[0] in self.layers else reference
