"""Reads the `unit` of a masked computation, which reads the layers around it in the selected frames."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.held import HeldSubnet
from boulder.network.names import Place
from boulder.network.refs import Ref, RefKind

UNIT = ":unit"
"""name of the unit among the layers that the masked computation holds"""


class MaskedSubnet(HeldSubnet):
    """
    The unit, after reading.

    :param unit: options of the unit
    :param input_: what the unit reads as `data`; None: what its surroundings call so
    :param mask: the layer that selects frames; None if the input's frames are selected already
    :param name_scope: of the masked computation
    """

    noun = "the masked computation"
    output = UNIT

    def __init__(
        self, unit: Mapping[str, object], place: Place, input_: Ref | None, mask: Ref | None, name_scope: str | None
    ):
        self.input, self.mask = input_, mask
        self.inputs: dict[str, Ref] = {}
        """name → what the unit reads of its surroundings, in the selected frames"""
        super().__init__({"unit": unit}, place, name_scope)

    def resolve(self, text: str, where: str) -> Ref:
        if text == "data" and self.input:
            return self._selected(self.input)
        ref = super().resolve(text, where)
        return ref if ref.subnet == self.name else self._selected(ref)

    def _selected(self, ref: Ref) -> Ref:
        self.inputs[ref.key] = ref
        return Ref(RefKind.DATA, ref.key, self.name)

    def owner_of(self, ref: Ref) -> str:
        own = ref.subnet == self.name and ref.kind is RefKind.DATA
        return self.outer.owner_of(self.inputs[ref.name]) if own else super().owner_of(ref)

    def outer_refs(self) -> tuple[Ref, ...]:
        refs = (*self.place.sources, *self.inputs.values())
        return tuple(dict.fromkeys(ref for ref in refs if not ref.is_stream))

    def wanted(self) -> list[str]:
        """:return: layers of a subnetwork as the unit that layers of the surroundings read, as `MASKED/NAME`"""
        own = (f"{UNIT}/{name}" for holder, name in sorted(self.outer.exposed) if holder == self.holder)
        return [name for name in own if name in self.nodes]
