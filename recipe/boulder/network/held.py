"""Reads layers that are options of another layer, such as the `unit` of a masked computation. They read the layers around by their
names, without `base:`.
"""

from __future__ import annotations

from collections.abc import Mapping

from boulder.errors import NetworkError
from boulder.network.names import Place
from boulder.network.refs import Ref, RefKind
from boulder.network.subnet import Subnet


class HeldSubnet(Subnet):
    """
    The layers, after reading. Their parameters are those of the holder.

    :param options: option of the holder → options of a layer; the layer is called `:OPTION`
    :param name_scope: of the holder
    """

    outer: Subnet

    def __init__(self, options: Mapping[str, Mapping[str, object]], place: Place, name_scope: str | None):
        layers = {}
        for option, layer in options.items():
            if "name_scope" in layer:
                raise NetworkError(
                    f"{place.where}: 'name_scope' must be an option of the layer itself, not of {option!r}"
                )
            layers[f":{option}"] = {**layer, **({} if name_scope is None else {"name_scope": name_scope})}
        super().__init__(layers, place)

    def roots(self) -> list[str]:
        return list(self.nesting.children[""])

    def path(self, name: str) -> str:
        option, *inner = name.split("/")
        return "/subnetwork/".join([f"{self.place.path}/{option.removeprefix(':')}", *inner])

    def scope(self, name: str) -> str:
        return self.nesting.scope(name if name in self.layers else name.rpartition("/")[0], self.place.scope, first=1)

    def shown(self, name: str) -> str:
        return name.partition("/")[2] if name.startswith(":") and "/" in name else name

    def owner(self, name: str) -> str:
        return "/".join([self.name, *name.split("/")[1:]])

    def resolve(self, text: str, where: str) -> Ref:
        if self.is_layer(text, where):
            return Ref(RefKind.LAYER, text, self.name)
        if text.removeprefix("prev:") in self.layers:
            raise NetworkError(
                f"{where}: 'from' names a layer of the previous frame, which does not exist within {self.place.where}; use a "
                "recurrent unit"
            )
        if text.startswith(":") and "/" in text and (found := self.sublayer(Ref.parse(text), where)):
            return found
        return self.outer.resolve_in(self.holder.rpartition("/")[0], text, where)
