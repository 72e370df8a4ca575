"""Net dict → NetworkSpec: every layer's template and parameters, in pure Python, before anything is built or submitted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import boulder.network.layers
import boulder.network.losses  # noqa: F401 (both register their classes)
from boulder.errors import NetworkError, nearest
from boulder.network.layer import LAYERS, Layer, Site
from boulder.network.layers.copy import Copy
from boulder.network.loss import LOSSES, Loss
from boulder.network.options import parse
from boulder.network.params import ParamSpec, variable_scope
from boulder.network.template import Template, extern_templates

DEFAULT_TARGET = "classes"


@dataclass(frozen=True)
class LossSpec:
    """
    :param layer: name of the layer whose output it judges
    :param loss: its class with its options
    :param target: key of the data stream
    :param scale: factor in the objective, not 0
    """

    layer: str
    loss: Loss
    target: str
    scale: float


@dataclass(frozen=True)
class LayerSpec:
    """
    :param name: absolute layer name
    :param layer: its class with its options
    :param sources: names as in the net dict; data streams as "data:KEY"
    :param template: of its output
    :param params: its parameters
    """

    name: str
    layer: Layer
    sources: tuple[str, ...]
    template: Template
    params: tuple[ParamSpec, ...]


@dataclass(frozen=True)
class NetworkSpec:
    """
    :param extern_data: key → template of the data stream
    :param layers: name → spec, sources before those that use them
    :param losses: layer name → loss, without those of scale 0
    """

    extern_data: dict[str, Template]
    layers: dict[str, LayerSpec] = field(default_factory=dict)
    losses: dict[str, LossSpec] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, ParamSpec]:
        """:return: path → parameter"""
        return {param.path: param for layer in self.layers.values() for param in layer.params}

    @property
    def num_params(self) -> int:
        """:return: number of parameter entries"""
        return sum(param.size for param in self.params.values())

    def trained_only(self, layers: Collection[str] | None) -> NetworkSpec:
        """
        :param layers: of the top level; None: all
        :return: the same network, in which the parameters of other layers are not trainable
        """
        if layers is None:
            return self

        def frozen(layer: LayerSpec) -> LayerSpec:
            return replace(layer, params=tuple(replace(param, trainable=False) for param in layer.params))

        kept = {name: spec if name.split("/")[0] in layers else frozen(spec) for name, spec in self.layers.items()}
        return replace(self, layers=kept)

    def template(self, source: str) -> Template:
        """:return: of a layer or of "data:KEY" """
        return self.layers[source].template if source in self.layers else self.extern_data[source.removeprefix("data:")]


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
            _check_name(name)
        self.network = network
        self.spec = NetworkSpec(extern_templates(extern_data))
        self.parsed: dict[str, Layer] = {}
        self.sources: dict[str, tuple[str, ...]] = {}
        self.scopes: dict[str, str] = {}  # first part of the paths of parameters → the layer that has them

    def result(self) -> NetworkSpec:
        roots = [name for name, options in self.network.items() if name == "output" or _is_root(options)]
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
                self.spec.layers[name] = self._describe_layer(name)
            elif source in path:
                loop = [*list(path)[list(path).index(source) :], source]
                raise NetworkError(f"layers depend on each other in a loop: {' → '.join(loop)}")
            elif source in self.network and source not in self.spec.layers:
                path[source] = iter(self._read(source))

    def _read(self, name: str) -> tuple[str, ...]:
        """
        Reads the options of the layer `name`, without a look at other layers.

        :return: its sources, data streams as "data:KEY"
        """
        options = self.network[name]
        if not isinstance(options, dict) or "class" not in options:
            raise NetworkError(f"layer {name!r}: expected a dict with a 'class', found {options!r:.80}")
        cls = LAYERS.find(options["class"], f"layer {name!r}")
        where = f"layer {name!r} ({cls.class_name})"
        self.parsed[name] = parse(cls, {k: v for k, v in options.items() if k != "class"}, where)
        self.sources[name] = tuple(self._source(source, where) for source in self.parsed[name].source_names())
        return self.sources[name]

    def _source(self, name: str, where: str) -> str:
        """:return: an entry of `from`, a data stream as "data:KEY" """
        if name == "data" or name.startswith("data:"):
            key = name.removeprefix("data:")
            self._stream(key, f"{where}: 'from' names {name!r}")
            return f"data:{key}"
        if name not in self.network:
            known = ["data", *self.network, *(f"data:{key}" for key in self.spec.extern_data)]
            raise NetworkError(f"{where}: 'from' names {name!r}, which is no layer{nearest(name, known)}")
        return name

    def _stream(self, key: str, where: str) -> Template:
        """:return: template of the data stream `key`"""
        if key not in self.spec.extern_data:
            known = self.spec.extern_data
            raise NetworkError(
                f"{where}, but extern_data has only {', '.join(map(repr, known)) or 'nothing'}{nearest(key, known)}"
            )
        return self.spec.extern_data[key]

    def _describe_layer(self, name: str) -> LayerSpec:
        layer = self.parsed[name]
        where = f"layer {name!r} ({layer.class_name})"
        sources = [(source, self.spec.template(source)) for source in self.sources[name]]
        loss, target = self._loss(name, layer, where)
        default_dim = None
        if target is not None:
            default_dim = loss.output_dim(target) if loss else target.dim
        site = Site(name, layer, sources, default_dim, self._copied)
        if layer.L2 is not None and layer.L2 < 0:
            raise site.fail(f"'L2' must be 0 or more, found {layer.L2}")
        template = layer.spec(site)
        if layer.n_out is not None and layer.n_out != template.dim:
            raise site.fail(f"'n_out' is {layer.n_out}, but its output is {template}")
        if loss:
            problem = loss.check(template, target)
            if problem:
                raise site.fail(problem)
            if layer.loss_scale != 0:
                self.spec.losses[name] = LossSpec(name, loss, layer.target or DEFAULT_TARGET, float(layer.loss_scale))
        self._check_paths(site)
        return LayerSpec(name, layer, self.sources[name], template, tuple(site.params))

    def _check_paths(self, site: Site) -> None:
        scope = variable_scope(site.name)
        other = self.scopes.setdefault(scope, site.name) if site.params else site.name
        if other != site.name:
            raise site.fail(
                f"its parameters would have the same paths as those of layer {other!r}, {scope}/…; rename it"
            )

    def _loss(self, name: str, layer: Layer, where: str) -> tuple[Loss | None, Template | None]:
        """:return: the layer's loss and its target's template, where it has them"""
        if layer.loss is None:
            for option in ("loss_scale", "loss_opts"):
                if option in self.network[name]:
                    raise NetworkError(f"{where}: has {option!r}, but no 'loss'")
            return None, self._stream(layer.target, f"{where}: 'target' is {layer.target!r}") if layer.target else None
        loss = parse(LOSSES.find(layer.loss, where), layer.loss_opts or {}, f"{where}: loss {layer.loss!r}")
        key = layer.target or DEFAULT_TARGET
        return loss, self._stream(key, f"{where}: the target of its loss is {key!r}")

    def _copied(self, name: str) -> list[tuple[str, Template]] | None:
        """:return: the sources of `name`, if it is a layer that only copies them"""
        spec = self.spec.layers.get(name)
        if spec is None or not isinstance(spec.layer, Copy):
            return None
        return [(source, self.spec.template(source)) for source in spec.sources]


def _check_name(name) -> None:
    if (
        not isinstance(name, str)
        or not variable_scope(name)
        or "/" in name
        or name == "data"
        or name.startswith("data:")
    ):
        raise NetworkError(
            f"a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', found {name!r}"
        )


def _is_root(options) -> bool:
    return isinstance(options, dict) and bool(options.get("loss") or options.get("is_output_layer"))
