"""What comes out of each layer of a loop in one frame.

A layer that depends on itself by `prev:`, as attention weights that are summed up over the frames do, has a template that
depends on itself. It is found in rounds: in the first one nothing is known of what was in the frame before, and layers are
described from those of their sources that are known; what a round adds is known in the next. Templates only ever gain
axes, so that this ends. What is found must then hold: each layer is described once more from all of its sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from boulder.errors import NetworkError
from boulder.network.axes import Axis, Batch, Feature
from boulder.network.layer import Site
from boulder.network.layers.copy import Copy
from boulder.network.loop.axes import within
from boulder.network.loop.unit import SOURCE, STEP, Node, Unit
from boulder.network.params import variable_scope
from boulder.network.reading import checked_template
from boulder.network.template import Template, concatenated

Outer = Callable[[str], Template]
"""name of a layer or stream outside of the loop → template"""


class Frame:
    """
    The templates of one frame of a loop: of its layers, now and in the frame before, and of what it goes through.

    :param outer: of the network that the loop stands in
    """

    def __init__(self, unit: Unit, outer: Outer):
        self.unit, self.outer = unit, outer
        self.time = _time(unit, outer)
        self.loop = self.time.as_loop()
        self.layers: dict[str, Template] = {}
        self._errors: dict[str, NetworkError] = {}
        self._solve()

    def template(self, source: str) -> Template:
        """:raises KeyError: if it is not known yet"""
        name = self.unit.inside(source)
        if name is not None:
            return self.layers[name]
        if source == self.unit.key(SOURCE):
            return within(concatenated([self.outer(name) for name in self.unit.sources]), self.time)
        if source == self.unit.key(STEP):
            return Template((), "int32")
        if source.startswith(f"{self.unit.name}/data:"):
            stream = self.unit.stream(source.removeprefix(f"{self.unit.name}/data:"), self.unit.where)
            return within(stream, stream.time)
        return self.outer(source)

    def site(self, node: Node, templates: Mapping[str, Template]) -> Site:
        """
        :param templates: of the sources, as far as they are known
        """
        return Site(
            name=self.unit.key(node.name),
            layer=node.layer,
            sources=[(source, templates[source]) for source in node.sources if source in templates],
            default_dim=self._default_dim(node),
            look_through=lambda name: self._copied(name, templates),
            path=node.path,
            scope=scope(self.unit, node),
            loop=self.loop,
            mode=self.unit.mode,
            layer_of=self.unit.layer_of,
        )

    def _solve(self) -> None:
        for _ in range(len(self.unit.nodes) + 2):
            before = dict(self.layers)
            for name, node in self.unit.nodes.items():
                template = self._guess(node)
                if template is not None:
                    self.layers[name] = template
            if self.layers == before:
                break
        for name, error in self._errors.items():
            if name not in self.layers:  # the cause of whatever else is not known
                raise error
        for name, node in self.unit.nodes.items():
            known = self._known(node)
            missing = [source for source in node.sources if source not in known]
            if missing:
                source = missing[0].removeprefix(f"{self.unit.name}/")
                raise NetworkError(f"{node.where}: what {source!r} is depends on itself alone; give it an 'n_out'")
            template = self.describe(node, known)
            if template != self.layers.get(name):
                raise NetworkError(f"{node.where}: is {template} in one frame and {self.layers.get(name)} in the next")

    def describe(self, node: Node, known: Mapping[str, Template]) -> Template:
        """:return: of the layer, from the templates of its sources"""
        if node.unit:
            return node.unit.build(lambda source: self.template(source)).output
        return checked_template(self.site(node, known))

    def _known(self, node: Node) -> dict[str, Template]:
        found = {}
        for source in node.sources:
            try:
                found[source] = self.template(source)
            except KeyError:
                continue
        return found

    def _guess(self, node: Node) -> Template | None:
        known = self._known(node)
        complete = len(known) == len(set(node.sources))
        if complete or (known and (node.unit or node.layer.some_sources_suffice)):
            try:
                return self.describe(node, known)
            except KeyError:  # a source of a loop within this one
                pass
            except NetworkError as error:  # which may come of a guess; if not, it is there in the end
                if complete:
                    self._errors[node.name] = error
        dim = node.layer.n_out or self._default_dim(node)
        return self.layers.get(node.name) or (Template((Batch, Feature(dim))) if dim and not complete else None)

    def _default_dim(self, node: Node) -> int | None:
        key = node.target or node.layer.target
        if key is None:
            return None
        stream = self.unit.stream(key, node.where)
        return node.loss.output_dim(stream) if node.target else stream.dim

    def _copied(self, name: str, templates: Mapping[str, Template]) -> list[tuple[str, Template]] | None:
        node = self.unit.nodes.get(self.unit.inside(name) or "")
        if node is None or "/prev:" in name or not isinstance(node.layer, Copy):
            return None
        return [(source, self.template(source)) for source in node.sources]


def scope(unit: Unit, node: Node) -> str:
    """:return: what the paths of its parameters begin with. RETURNN puts `rec` between a loop and its layers"""
    own = variable_scope(node.name)
    outer = unit.outer
    if isinstance(outer, Unit):
        return f"{scope(outer, outer.nodes[unit.name.rpartition('/')[2]])}/rec/{own}"
    return f"{variable_scope(unit.name)}/rec/{own}"


def _time(unit: Unit, outer: Outer) -> Axis:
    """:return: the time axis that the loop goes along, as it is outside"""
    if unit.sources:
        template = concatenated([outer(source) for source in unit.sources])
        if template.time is None:
            raise NetworkError(f"{unit.where}: needs a time axis to go along, but its input is {template}")
        return template.time
    if unit.mode != "search":
        targets = [unit.loop.target, *(node.target or node.layer.target for node in unit.nodes.values())]
        for key in filter(None, targets):
            time = unit.stream(key, unit.where).time
            if time:
                return time
    if "end" not in unit.nodes:
        raise NetworkError(
            f"{unit.where}: nothing says how many frames there are; give it a 'from' with a time axis, "
            "a 'target', or a layer 'end' in its subnetwork"
        )
    return Axis("time", None, ("loop", unit.name))
