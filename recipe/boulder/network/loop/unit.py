"""The subnetwork of a loop, read: its layers with their options, and what each of them depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from boulder.errors import NetworkError, nearest
from boulder.network.layer import Layer
from boulder.network.layers.loop import Loop
from boulder.network.loop.length import MaxLength
from boulder.network.loss import Loss
from boulder.network.reading import check_losses, check_name, is_root, read_layer, read_loss
from boulder.network.template import Template

SOURCE, STEP = "data:source", ":i"


@dataclass(frozen=True)
class Node:
    """
    A layer of the subnetwork. All names are absolute: `decoder/s`, `decoder/prev:s`, `decoder/data:source`,
    `decoder/data:classes`, `decoder/:i`; of the network outside, as they are there.

    :param name: within the subnetwork
    :param path: in the net dict, for messages: `decoder/unit/s`
    :param layer: its options
    :param sources: what the layer is computed from
    :param others: what else must be there before: what `prev:` of it is in the first frame
    :param loss: the loss on its output, if any
    :param target: key of the loss's target
    :param unit: if it is a loop itself
    """

    name: str
    path: str
    layer: Layer
    sources: tuple[str, ...]
    others: tuple[str, ...]
    loss: Loss | None
    target: str | None
    unit: Unit | None = None

    @property
    def where(self) -> str:
        return f"layer {self.path!r} ({self.layer.class_name})"


class Unit:
    """
    :param name: absolute name of the loop
    :param path: of the loop in the net dict, for messages
    :param loop: its options
    :param sources: absolute names of what it goes through
    :param outer: the network that it stands in: `resolve`, `names`, `stream`; another `Unit`, or the whole network
    :param mode: "train", "eval" or "search"
    """

    def __init__(self, name: str, path: str, loop: Loop, sources: tuple[str, ...], outer, mode: str):
        self.name, self.path, self.loop, self.outer, self.mode = name, path, loop, outer, mode
        self.sources = sources
        self.where = f"layer {path!r} (rec)"
        self.nodes: dict[str, Node] = {}
        self._reading: dict[str, Node] = {}
        self._waiting: list[str] = []
        for layer in loop.unit:
            check_name(layer)
        check_losses(loop.unit, lambda layer: f"{path}/unit/{layer}")
        if "output" not in loop.unit:
            raise NetworkError(f"{self.where}: its subnetwork needs a layer 'output'{nearest('output', loop.unit)}")
        roots = [layer for layer, options in loop.unit.items() if layer in ("output", "end") or is_root(options, mode)]
        for root in roots:
            self._read_with_sources(root)
        self.max_length = MaxLength.read(loop.max_seq_len, self.resolve, self.where)

    # Names

    def key(self, name: str) -> str:
        """:return: absolute name of a layer of the subnetwork"""
        return f"{self.name}/{name}"

    def resolve(self, name: str, where: str) -> str:
        """
        :param name: as the subnetwork has it
        :return: absolute
        :raises NetworkError: if there is nothing of that name
        """
        if name.startswith("base:"):
            try:
                return self.outer.resolve(name.removeprefix("base:"), where)
            except NetworkError:
                known = [f"base:{other}" for other in self.outer.names()]
                message = f"{where}: 'from' names {name!r}, which is not outside of the loop{nearest(name, known)}"
                raise NetworkError(message) from None
        if name == STEP:
            return self.key(STEP)
        if name == SOURCE or (name == "data" and self.sources):
            if not self.sources:
                raise NetworkError(f"{where}: 'from' names {name!r}, but the loop has no 'from'")
            return self.key(SOURCE)
        if name == "data" or name.startswith("data:"):
            key = name.removeprefix("data:")
            self.stream(key, f"{where}: 'from' names {name!r}")
            return self.key(f"data:{key}")
        return self._resolve_layer(name, where)

    def _resolve_layer(self, name: str, where: str) -> str:
        layer = name.removeprefix("prev:")
        if layer in self.loop.unit:
            return self.key(name)
        if layer in self.outer.names() and name.startswith("prev:"):
            raise NetworkError(
                f"{where}: 'from' names {name!r}, but {layer!r} is outside of the loop and has no frame before; "
                f"'base:{layer}' is the layer itself"
            )
        prefix = name.removesuffix(layer)
        known = [*(prefix + other for other in self.loop.unit), *(f"base:{other}" for other in self.outer.names())]
        hint = f"; did you mean 'base:{layer}'?" if layer in self.outer.names() else nearest(name, known)
        raise NetworkError(f"{where}: 'from' names {name!r}, which is no layer of the loop{hint}")

    def names(self) -> list[str]:
        """:return: of its layers"""
        return list(self.loop.unit)

    def layer_of(self, source: str) -> Layer | None:
        """:return: options of a layer, of this loop or outside of it, as it is in this frame; None for anything else"""
        name = self.inside(source)
        if name is None:
            return self.outer.layer_of(source)
        return None if "/prev:" in source else self.nodes[name].layer

    def stream(self, key: str, where: str) -> Template:
        """:return: template of a data stream, outside of all loops"""
        return self.outer.stream(key, where)

    def inside(self, source: str) -> str | None:
        """:return: the layer of this loop that `source` is, now or in the frame before; None for anything else"""
        if not source.startswith(f"{self.name}/"):
            return None
        name = source.removeprefix(f"{self.name}/").removeprefix("prev:")
        return name if name in self.nodes else None

    # Reading

    def _read_with_sources(self, root: str) -> None:
        """Depth first, so that `nodes` has each layer after those of the same frame that it depends on."""
        path = {root: iter(self._pending(root))} if root not in self.nodes else {}
        while path:
            name = next(reversed(path))
            source = next(path[name], None)
            if source is None:
                path.popitem()
                self.nodes[name] = self._reading.pop(name)
                for later in self._later(self.nodes[name]):
                    self._waiting.append(later)
            elif source in path:
                loop = [*list(path)[list(path).index(source) :], source]
                raise NetworkError(
                    f"{self.where}: layers depend on each other within a frame: {' → '.join(loop)}; "
                    f"one of them must be read as it was in the frame before, e.g. as 'prev:{source}'"
                )
            elif source not in self.nodes:
                path[source] = iter(self._pending(source))
        while self._waiting:
            later = self._waiting.pop()
            if later not in self.nodes:
                self._read_with_sources(later)

    def _later(self, node: Node) -> list[str]:
        """:return: layers that `node` depends on in the frame before"""
        return [name for source in self._all_sources(node) if "/prev:" in source and (name := self._own(source))]

    def _pending(self, name: str) -> list[str]:
        """Reads the options of a layer.

        :return: the layers of the same frame that it depends on
        """
        node = self._reading[name] = self._read(name)
        return [own for source in self._all_sources(node) if "/prev:" not in source and (own := self._own(source))]

    @staticmethod
    def _all_sources(node: Node) -> list[str]:
        return [*node.sources, *node.others, *(node.unit.outer_sources() if node.unit else ())]

    def _own(self, source: str) -> str | None:
        name = source.removeprefix(f"{self.name}/").removeprefix("prev:") if source.startswith(f"{self.name}/") else ""
        return name if name in self.loop.unit else None

    def _read(self, name: str) -> Node:
        path = f"{self.path}/unit/{name}"
        options = self.loop.unit[name]
        layer = read_layer(options, f"layer {path!r}")
        where = f"layer {path!r} ({layer.class_name})"
        loss, target = read_loss(layer, options, where)
        if target is not None or layer.target is not None:
            key = target or layer.target
            self.stream(key, f"{where}: the target is {key!r}")
        sources = tuple(self.resolve(source, where) for source in layer.dependencies(self.mode))
        initial = layer.initial_output
        others = (
            (self.resolve(initial, where),) if isinstance(initial, str) and initial not in ("zeros", "ones") else ()
        )
        unit = Unit(self.key(name), path, layer, sources, self, self.mode) if isinstance(layer, Loop) else None
        return Node(name, path, layer, sources, others, loss, target, unit)

    # What others ask

    def outer_sources(self) -> list[str]:
        """:return: names in the network outside that must be described before the loop is"""
        found: dict[str, None] = dict.fromkeys([*self.sources, *self.max_length.names.values()])
        for node in self.nodes.values():
            for source in self._all_sources(node):
                if not source.startswith(f"{self.name}/"):
                    found[source] = None
                elif "/data:" in source and not source.endswith(SOURCE):
                    found[f"data:{source.rpartition('/data:')[2]}"] = None
        return [source for source in found if not source.startswith("data:")]

    def build(self, outer: Callable[[str], Template]):
        """
        :param outer: name → template, of the network outside
        :return: see `boulder.network.loop.building.Built`
        """
        from boulder.network.loop.building import build  # which needs this module

        return build(self, outer)
