"""References to the inputs of a layer: as a net dict spells them, and resolved to a place in the whole network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property


class RefKind(Enum):
    LAYER = auto()
    """`NAME`: a layer of the same subnet"""
    PREV = auto()
    """`prev:NAME`: a layer of the same loop, in the previous frame"""
    SUBLAYER = auto()
    """`LAYER/NAME`: a layer of the subnet that a layer holds"""
    INPUT = auto()
    """`data`: the default input; in a loop also `data:source`, the current frame of the loop's input"""
    DATA = auto()
    """`data:KEY`: a data stream"""
    STEP = auto()
    """`:i`: the number of the current frame of a loop"""
    BASE = auto()
    """`base:REF`: a reference as the surroundings of the subnet spell it"""
    FRAME = auto()
    """`unstacked:base:REF`: the current frame of that; only `rec_unstack` spells it so"""


TARGET = "target:"
"""prefix of a dependency that is a value of the option `target`, see `Layer.dependencies`"""

_PREFIXES = {"prev:": RefKind.PREV, "data:": RefKind.DATA, "base:": RefKind.BASE, "unstacked:": RefKind.FRAME}
_WORDS = {"data": RefKind.INPUT, ":i": RefKind.STEP}
_SPELLINGS = {
    RefKind.LAYER: "{}",
    RefKind.PREV: "prev:{}",
    RefKind.SUBLAYER: "{}",
    RefKind.INPUT: "data:source",
    RefKind.DATA: "data:{}",
    RefKind.STEP: ":i",
    RefKind.BASE: "base:{}",
    RefKind.FRAME: "unstacked:{}",
}


@dataclass(frozen=True)
class Ref:
    """
    A reference. `Ref.parse` reads one; `Subnet.resolve` checks it and finds the subnet that it refers to.

    :param kind: see `RefKind`
    :param name: of the layer, as `NAME` or `LAYER/NAME`, or key of the data stream; for BASE, the reference behind
        `base:`; "" for INPUT and STEP
    :param subnet: absolute name of the subnet that `name` belongs to: that of the layer that holds it, "" for the whole
        network and for references that are not resolved
    :param depth: for SUBLAYER, the number of parts of `name` that are the name of LAYER
    """

    kind: RefKind
    name: str = ""
    subnet: str = ""
    depth: int = 1

    @classmethod
    def parse(cls, text: str) -> Ref:
        """
        :param text: as the net dict has it
        """
        if text in _WORDS:
            return cls(_WORDS[text])
        for prefix, kind in _PREFIXES.items():
            if text.startswith(prefix):
                return cls(kind, text.removeprefix(prefix))
        return cls(RefKind.SUBLAYER if "/" in text else RefKind.LAYER, text)

    @property
    def holder(self) -> str:
        """:return: of a SUBLAYER reference, the layer whose subnet it looks into"""
        return "/".join(self.name.split("/")[: self.depth])

    @property
    def sublayer(self) -> str:
        """:return: of a SUBLAYER reference, the name within that subnet"""
        return "/".join(self.name.split("/")[self.depth :])

    @property
    def is_stream(self) -> bool:
        """:return: whether it is a whole data stream, which is there without being described"""
        return self.kind is RefKind.DATA and not self.subnet

    @property
    def text(self) -> str:
        """:return: the spelling within its subnet"""
        return _SPELLINGS[self.kind].format(self.name)

    @cached_property
    def key(self) -> str:
        """
        :return: the name in a `NetworkSpec`: "encoder", "data:classes"; of the loop "decoder": "decoder/s",
            "decoder/prev:s", "decoder/data:source", "decoder/data:classes", "decoder/:i"; of a layer of a loop, as it is
            outside of the loop, "decoder/left:s"
        """
        text = f"{self.holder}/left:{self.sublayer}" if self.kind is RefKind.SUBLAYER else self.text
        return f"{self.subnet}/{text}" if self.subnet else text


def layer_of_key(key: str) -> str:
    """
    :param key: a source of a `LayerSpec`
    :return: the layer that it reads, in the current frame or in the previous one
    """
    return key.replace("/prev:", "/")
