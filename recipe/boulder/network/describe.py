"""Net dict → NetworkSpec: every layer's template and parameters, in pure Python, before anything is built or submitted."""

from __future__ import annotations

import boulder.network.layers
import boulder.network.losses  # noqa: F401 (both register their classes)
from boulder.errors import NetworkError, nearest
from boulder.network.axes import Axis
from boulder.network.layer import Layer, Site
from boulder.network.layers.copy import Copy
from boulder.network.layers.loop import Loop
from boulder.network.loop.axes import outside
from boulder.network.loop.nodes import Left, inner_name, left_name
from boulder.network.loop.unit import Unit
from boulder.network.params import variable_scope
from boulder.network.reading import (
    check_losses,
    check_name,
    checked_template,
    is_root,
    loss_specs,
    read_layer,
    read_loss,
)
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.template import Template, extern_templates


def describe(network: dict, extern_data: dict, mode: str = "train") -> NetworkSpec:
    """
    :param network: net dict
    :param extern_data: data streams, see `boulder.data.read_extern_data`
    :param mode: "train", "eval" or "search": layers that say so exist in some of them only
    :raises NetworkError: names the layer, what was found and what was expected
    :raises DataError: for a wrong `extern_data`
    """
    return _Description(network, extern_data, mode).result()


class _Description:
    """The state of one `describe`: layers are looked at when something asks for them, sources first."""

    def __init__(self, network: dict, extern_data: dict, mode: str):
        if mode not in ("train", "eval", "search"):
            raise NetworkError(f"mode must be 'train', 'eval' or 'search', found {mode!r}")
        if not isinstance(network, dict):
            raise NetworkError(f"expected a net dict, found {type(network).__name__}: {network!r:.80}")
        for name in network:
            check_name(name)
        check_losses(network, str)
        self.network, self.mode = network, mode
        self.spec = NetworkSpec(extern_templates(extern_data))
        self.parsed: dict[str, Layer] = {}
        self.sources: dict[str, tuple[str, ...]] = {}
        self.units: dict[str, Unit] = {}
        self.loops: dict[str, Axis] = {}  # name of a loop → its axis
        self.scopes: dict[str, str] = {}  # first part of the paths of parameters → the layer that has them

    def result(self) -> NetworkSpec:
        roots = [name for name, options in self.network.items() if name == "output" or is_root(options, self.mode)]
        if not roots:
            raise NetworkError(
                "the network has no layer 'output', none with a loss and none with 'is_output_layer', "
                f"found {', '.join(map(repr, self.network)) or 'no layer at all'}"
            )
        for name in roots:
            self._describe_with_sources(name)
        return self.spec

    def _describe_with_sources(self, root: str) -> None:
        """Without recursion: a chain of layers may be longer than Python's stack."""
        if root in self.spec.layers:
            return
        path = {root: iter(self._read(root))}  # the layers from `root` to the current one → their sources still to come
        while path:
            name = next(reversed(path))
            source = next(path[name], None)
            if source is None:
                path.popitem()
                self._describe_layer(name)
            elif source in path:
                loop = [*list(path)[list(path).index(source) :], source]
                raise NetworkError(f"layers depend on each other in a loop: {' → '.join(loop)}")
            elif source in self.network and source not in self.spec.layers:
                path[source] = iter(self._read(source))
            elif self._loop_of(source) in path:
                raise NetworkError(f"layers depend on each other in a loop: {' → '.join([*path, source])}")
            elif self._loop_of(source) and self._loop_of(source) not in self.spec.layers:
                path[self._loop_of(source)] = iter(self._read(self._loop_of(source)))

    def _read(self, name: str) -> tuple[str, ...]:
        """
        Reads the options of the layer `name`, without a look at other layers.

        :return: its sources, data streams as "data:KEY"
        """
        layer = self.parsed[name] = read_layer(self.network[name], f"layer {name!r}")
        where = f"layer {name!r} ({layer.class_name})"
        sources = tuple(self.resolve(source, where) for source in layer.dependencies(self.mode))
        self.sources[name] = sources
        if isinstance(layer, Loop):
            self.units[name] = Unit(name, name, layer, sources, self, self.mode)
            return tuple(dict.fromkeys([*sources, *self.units[name].outer_sources()]))
        return sources

    # What a loop asks of the network that it stands in

    def resolve(self, name: str, where: str) -> str:
        """
        :param name: as a net dict has it
        :return: the name that sources have, a data stream's as "data:KEY"
        """
        if name == "data" or name.startswith("data:"):
            key = name.removeprefix("data:")
            self.stream(key, f"{where}: 'from' names {name!r}")
            return f"data:{key}"
        if self._loop_of(name):
            return self._resolve_inner(*name.split("/", 1), where)
        if name not in self.network:
            known = ["data", *self.network, *(f"data:{key}" for key in self.spec.extern_data)]
            raise NetworkError(f"{where}: 'from' names {name!r}, which is no layer{nearest(name, known)}")
        return name

    def _loop_of(self, name: str) -> str | None:
        """:return: the loop, if `name` is that of a layer within it: `decoder` of `decoder/att_weights`"""
        loop, slash, _ = name.partition("/")
        return loop if slash and loop in self.network and not name.startswith("data:") else None

    def _resolve_inner(self, loop: str, inner: str, where: str) -> str:
        unit = self.network[loop].get("unit") if isinstance(self.network[loop], dict) else None
        if not isinstance(unit, dict):
            raise NetworkError(f"{where}: 'from' names '{loop}/{inner}', but {loop!r} is no loop with a subnetwork")
        if inner not in unit:
            hint = nearest(inner, unit)
            raise NetworkError(f"{where}: 'from' names '{loop}/{inner}', which is no layer of that loop{hint}")
        if inner != "output" and not (isinstance(unit[inner], dict) and unit[inner].get("is_output_layer")):
            raise NetworkError(
                f"{where}: 'from' names '{loop}/{inner}', which is not there outside of its loop; "
                f"give {inner!r} 'is_output_layer': True"
            )
        return left_name(f"{loop}/{inner}")

    def names(self) -> list[str]:
        """:return: what there is to be named, without the data streams"""
        return list(self.network)

    def template(self, source: str) -> Template:
        """:return: of a layer or stream that is described already"""
        return self.spec.template(source)

    def layer_of(self, source: str) -> Layer | None:
        """:return: options of a layer, or None for a data stream"""
        return self.parsed.get(source)

    def stream(self, key: str, where: str) -> Template:
        """:return: template of the data stream `key`"""
        if key not in self.spec.extern_data:
            known = self.spec.extern_data
            raise NetworkError(
                f"{where}, but extern_data has only {', '.join(map(repr, known)) or 'nothing'}{nearest(key, known)}"
            )
        return self.spec.extern_data[key]

    def _describe_layer(self, name: str) -> None:
        layer = self.parsed[name]
        where = f"layer {name!r} ({layer.class_name})"
        for source in [*self.sources[name], *(self.units[name].outer_sources() if name in self.units else ())]:
            self._leave_loop(source, where)
        loss, target = read_loss(layer, self.network[name], where)
        stream = self.stream(target, f"{where}: the target of its loss is {target!r}") if target else None
        if target is None and layer.target is not None:
            stream = self.stream(layer.target, f"{where}: 'target' is {layer.target!r}")
        default_dim = (loss.output_dim(stream) if loss and target else stream.dim) if stream else None
        sources = [(source, self.spec.template(source)) for source in self.sources[name]]
        site = Site(name, layer, sources, default_dim, self._copied, mode=self.mode, layer_of=self.layer_of)
        if name in self.units:
            template = self._describe_loop(self.units[name])
            sources_of = (f"{name}/output",)
        else:
            template, sources_of = checked_template(site), self.sources[name]
        if loss:
            problem = loss.check(template, stream)
            if problem:
                raise site.fail(problem)
            self.spec.losses.update(loss_specs(name, layer, loss, target))
        self._check_paths(site)
        self.spec.layers[name] = LayerSpec(name, layer, sources_of, template, tuple(site.params))

    def _describe_loop(self, unit: Unit) -> Template:
        """:return: template of the loop's output, outside of it"""
        result = unit.build(self.spec.template)
        self.loops[unit.name] = result.loop
        self.spec.layers.update(result.layers)
        self.spec.losses.update(result.losses)
        self.spec.loops.update(result.loops)
        return result.output

    def _leave_loop(self, source: str, where: str) -> None:
        """Sees to it that the layer of a loop that another layer reads is there as it is outside of the loop."""
        loop = self._loop_of(source)
        if loop is None or source in self.spec.layers:
            return
        inner = self.spec.layers.get(inner_name(source))
        if inner is None:
            raise NetworkError(
                f"{where}: 'from' names {inner_name(source)!r}, which is not there in mode {self.mode!r}"
            )
        template = outside(inner.template, self.loops[loop])
        self.spec.layers[source] = LayerSpec(source, Left(), (inner.name,), template, ())

    def _check_paths(self, site: Site) -> None:
        scope = variable_scope(site.name)
        other = self.scopes.setdefault(scope, site.name) if site.params else site.name
        if other != site.name:
            raise site.fail(
                f"its parameters would have the same paths as those of layer {other!r}, {scope}/…; rename it"
            )

    def _copied(self, name: str) -> list[tuple[str, Template]] | None:
        """:return: the sources of `name`, if it is a layer that only copies them"""
        spec = self.spec.layers.get(name)
        if spec is None or not isinstance(spec.layer, Copy):
            return None
        return [(source, self.spec.template(source)) for source in spec.sources]
