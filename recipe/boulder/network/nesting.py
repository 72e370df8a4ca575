"""The layers of `subnetwork`s, as layers of the network or loop around them.

A `subnetwork` is a name space: its layer `x` is the layer `sub/x` of the surroundings, and its references are translated into
references of the surroundings. So a loop computes each layer of a subnetwork where it computes its own, and `prev:`, losses,
states and choices within subnetworks need nothing special.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from boulder.network.extra_nets import net_and_name
from boulder.network.params import joined_scope, variable_scope
from boulder.network.reading import check_name

INPUT = "data:data"
"""name within a subnetwork of its input, where that is not simply a layer of the surroundings"""
_DROPOUT = ("dropout", "dropout_noise_shape", "dropout_on_forward")


@dataclass(frozen=True)
class Nesting:
    """
    :param layers: name → options, of the layers and of those in subnetworks, under names such as `sub/x`
    :param children: subnetwork, or "" for the surroundings → name within it → options, of its layers
    :param inputs: subnetwork → key of a data stream within it → reference in its surroundings
    """

    layers: dict[str, object] = field(default_factory=dict)
    children: dict[str, dict[str, object]] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, layers: Mapping[str, object]) -> Nesting:
        """
        :param layers: net dict, with subnetworks
        :raises NetworkError: for a wrong name of a layer
        """
        nesting = cls()
        nesting._add(layers, "")
        return nesting

    def _add(self, layers: Mapping[str, object], holder: str) -> None:
        self.children[holder] = dict(layers)
        for name, options in layers.items():
            check_name(name)
            full = f"{holder}/{name}" if holder else name
            self.layers[full] = options
            if isinstance(options, dict) and is_subnetwork(options):
                self._add_input(full, options)
                self._add(options["subnetwork"], full)

    def _add_input(self, holder: str, options: dict) -> None:
        """Adds what `data` within the subnetwork reads."""
        sources = options.get("from", "data")
        sources = list(sources) if isinstance(sources, list | tuple) else [sources]
        sources = [source for source in sources if isinstance(source, str)]
        dropout = {option: options[option] for option in _DROPOUT if option in options}
        found = self.inputs[holder] = {}
        if options.get("concat_sources", True):
            if sources and (len(sources) > 1 or options.get("dropout")):
                layer = {"class": "copy", "from": [f"base:{source}" for source in sources], **dropout}
                self.layers[f"{holder}/{INPUT}"] = layer
                found["data"] = f"{holder}/{INPUT}"
            elif sources:
                found["data"] = sources[0]
            return
        for number, source in reversed([*enumerate(sources)]):
            text = source
            if options.get("dropout"):
                text = f"{holder}/data:{number}"
                self.layers[text] = {"class": "copy", "from": f"base:{source}", **dropout}
            found |= dict.fromkeys([source, str(number), *(["data"] if number == 0 else [])], text)

    # Names

    def holders(self, name: str) -> Iterator[str]:
        """:return: the subnetworks around the layer, from the outermost one"""
        parts = name.split("/")[:-1]
        return ("/".join(parts[: count + 1]) for count in range(len(parts)))

    def scope(self, name: str, around: str, first: int = 0) -> str:
        """
        :param around: variable scope of the surroundings
        :param first: number of outermost layers that add nothing
        :return: variable scope of a layer, with which the paths of its parameters begin
        """
        for layer in (*self.holders(name), name)[first:]:
            options = self.layers[layer]
            own = options.get("name_scope") if isinstance(options, dict) else None
            if not isinstance(own, str):
                own = variable_scope(net_and_name(layer.rpartition("/")[2])[1])
            around = own.removeprefix("/") if own.startswith("/") else joined_scope(around, own)
        return around

    # References

    def translated(self, text: str, holder: str) -> str:
        """
        :param text: a reference, as a layer of the subnetwork `holder` spells it
        :return: the same reference in the surroundings
        """
        if not holder or f"{holder}/{text}" in self.layers:
            return f"{holder}/{text}" if holder else text
        around = holder.rpartition("/")[0]
        if text.startswith("base:"):
            return self.translated(text.removeprefix("base:"), around)
        if text.startswith("prev:"):
            return f"prev:{self.translated(text.removeprefix('prev:'), holder)}"
        if text == "data" or text.startswith("data:"):
            key = text.removeprefix("data:")
            text = self.inputs[holder].get(key, f"data:{key}")
            return text if text in self.layers and text.startswith(f"{holder}/") else self.translated(text, around)
        return f"{holder}/{text}"


def is_subnetwork(options: dict) -> bool:
    """:return: whether these are options of a `subnetwork`"""
    return options.get("class") == "subnetwork" and isinstance(options.get("subnetwork"), dict)
