"""Parameters that several layers have in common: by `name_scope`, by `reuse_params`, and of a layer in an extra net.

`reuse_params` is the name of a layer, or a dict:

    reuse_layer             the other layer
    map                     name of a parameter → the name of a layer, such a dict, or None for one of the layer's own
    custom                  function that computes a parameter, see `boulder.network.custom_param`
    layer_output            layer whose output is the parameter
    auto_create_missing     whether a parameter that the other layer lacks is one of the layer's own

It is read with the layer's other options (`Sharing`). Where the layer declares a parameter that it takes from another
layer, it declares a `Borrowed` instead. When all layers are described, `find_shared` looks up the parameters of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from boulder.errors import NetworkError, nearest
from boulder.network.extra_nets import plain_name
from boulder.network.params import Borrowed, ParamSpec
from boulder.network.refs import Ref
from boulder.network.specs import LayerSpec, NetworkSpec

_OPTIONS = ("reuse_layer", "map", "custom", "auto_create_missing", "layer_output", "shape")
_OF_PARAMETERS = (
    "param_variational_noise",
    "param_dropout",
    "param_dropout_min_ndim",
    "updater_opts",
    "custom_param_importer",
)
"""options of a layer on its parameters"""


@dataclass(frozen=True)
class Sharing:
    """
    `reuse_params` of a layer.

    :param owner: absolute name of the layer whose parameters are taken; "" for none
    :param map: name of a parameter → where it is taken from
    :param custom: function that computes a parameter
    :param auto_create_missing: whether the layer has parameters of its own where nothing else says what to take
    :param layer_output: a layer whose output is taken as the parameter
    :param existing: layers whose parameters are taken, which must exist
    """

    owner: str = ""
    map: Mapping[str, Sharing] | None = None
    custom: Callable | None = None
    auto_create_missing: bool = False
    layer_output: Ref | None = None
    existing: tuple[Ref, ...] = ()

    def sources(self) -> Iterator[Ref]:
        """:return: layers whose output is taken"""
        if self.layer_output:
            yield self.layer_output
        for entry in (self.map or {}).values():
            yield from entry.sources()

    def borrowed(self, own: ParamSpec, where: str) -> Borrowed | None:
        """
        :param own: a parameter of the layer
        :return: where it is taken from; None for a parameter of the layer's own
        :raises NetworkError: if nothing says where
        """
        name = own.name.removeprefix("rec/")
        entry = Borrowed(own.name, own.shape, where)
        if self.custom:
            return replace(entry, custom=self.custom, owner=self.owner)
        if self.map is not None and name in self.map:
            return self.map[name].borrowed(own, where)
        if self.owner:
            return replace(entry, target=f"{self.owner}/{name}", own=own if self.auto_create_missing else None)
        if self.layer_output:
            return replace(entry, source=self.layer_output.key)
        if self.auto_create_missing:
            return None
        raise NetworkError(
            f"{where}: 'map' in 'reuse_params' lacks {name!r}; None there gives the layer one of its own"
        )


def read_sharing(options: object, resolve: Callable[[str], Ref], name_of: Callable[[Ref], str], where: str) -> Sharing:
    """
    :param options: `reuse_params`
    :param resolve: name in the net dict → reference
    :param name_of: reference to a layer → its absolute name
    :param where: the layer, for messages
    :raises NetworkError: for an unknown option or layer
    """
    where = f"{where}: 'reuse_params'"
    if isinstance(options, str):
        ref = resolve(options)
        return Sharing(name_of(ref), existing=(ref,))
    if options is None:
        return Sharing(auto_create_missing=True)
    if not isinstance(options, dict):
        raise NetworkError(f"{where} must be the name of a layer or a dict, found {options!r:.60}")
    for option in options:
        if option not in _OPTIONS:
            raise NetworkError(f"{where}: unknown option {option!r}{nearest(str(option), _OPTIONS)}")
    entries = options.get("map")
    if entries is not None and not isinstance(entries, dict):
        raise NetworkError(f"{where}: 'map' must be a dict, found {entries!r:.60}")
    custom = options.get("custom")
    if custom is not None and not callable(custom):
        raise NetworkError(f"{where}: 'custom' must be a function, found {custom!r:.60}")
    inner = {
        str(key): read_sharing(entry, resolve, name_of, where.removesuffix(": 'reuse_params'"))
        for key, entry in (entries or {}).items()
    }
    layer, output = options.get("reuse_layer"), options.get("layer_output")
    owner = resolve(layer) if layer else None
    existing = [found for entry in inner.values() for found in entry.existing]
    return Sharing(
        name_of(owner) if owner else "",
        None if entries is None else inner,
        custom,
        bool(options.get("auto_create_missing", False)),
        resolve(output) if output else None,
        tuple(existing + ([owner] if owner else [])),
    )


def find_shared(spec: NetworkSpec) -> NetworkSpec:
    """
    :return: the network with the parameters that its layers take from others
    :raises NetworkError: if there is no such parameter, or it has another shape
    """
    layers = list(spec.all_layers())
    borrowed = {f"{layer.name}/{entry.name}": entry for layer in layers for entry in layer.borrowed}
    if not borrowed:
        return spec
    known = {key: param for layer in layers for param in layer.params for key in _keys(param)}
    shared: dict[tuple[str, str], Mapping[str, ParamSpec]] = {}
    for layer in layers:
        for entry in layer.borrowed:
            if entry.custom:
                prefix = f"{entry.owner}/"
                found = {k.removeprefix(prefix): param for k, param in known.items() if k.startswith(prefix)}
            elif entry.target:
                found = {"": _found(entry, known, borrowed)}
            else:
                found = {}
            shared[layer.name, entry.name] = found
    return replace(spec, shared=shared)


def _keys(param: ParamSpec) -> set[str]:
    """:return: names of the layer and the parameter; RETURNN's names lack the "rec/" of recurrent layers"""
    return {f"{param.layer}/{param.name}", f"{param.layer}/{param.name.removeprefix('rec/')}"}


def _found(entry: Borrowed, known: Mapping[str, ParamSpec], borrowed: Mapping[str, Borrowed]) -> ParamSpec:
    target, seen = entry.target, set()
    while target in borrowed and target not in seen:  # the other layer takes it from yet another one
        seen.add(target)
        target = borrowed[target].target
    param = known.get(target)
    if param is None and entry.own:
        return entry.own
    if param is None:
        layer, _, name = entry.target.rpartition("/")
        raise NetworkError(
            f"{entry.where}: 'reuse_params' takes {name!r} of layer {layer!r}, which has no such parameter"
            f"{nearest(entry.target, known)}"
        )
    if param.shape != entry.shape:
        raise NetworkError(
            f"{entry.where}: 'reuse_params' takes {param.path!r} as its {entry.name!r}, which needs the shape {entry.shape}, "
            f"found {param.shape}"
        )
    return param


def check_paths(spec: NetworkSpec) -> None:
    """
    Layers with a common `name_scope` share their parameters; others need paths of their own.

    :raises NetworkError: if two layers would have the same parameter, or a shared one has two shapes
    """
    owners: dict[str, tuple[LayerSpec, ParamSpec]] = {}
    for layer in spec.all_layers():
        for param in layer.params:
            owner, first = owners.setdefault(param.path, (layer, param))
            if owner.name == layer.name:
                continue
            if plain_name(owner.name) == plain_name(layer.name):
                _check_same((owner, first), (layer, param))
                continue
            if param.layer == first.layer and param.shape == first.shape:
                continue
            where = f"layer {layer.name!r} ({layer.layer.class_name})"
            if not (_has_scope(spec, layer) or _has_scope(spec, owner)):
                raise NetworkError(
                    f"{where}: its parameters would have the same paths as those of layer {owner.name!r}, "
                    f"{param.path.rpartition('/')[0]}/…; rename it"
                )
            if param.shape != first.shape:
                raise NetworkError(
                    f"{where}: shares the parameter {param.path!r} with layer {owner.name!r} by 'name_scope', but needs the "
                    f"shape {param.shape}, found {first.shape}"
                )


def _has_scope(spec: NetworkSpec, layer: LayerSpec) -> bool:
    """:return: whether the layer, or one that holds it, has a `name_scope`"""
    parts = layer.name.split("/")
    around = (spec.layers.get("/".join(parts[:count])) for count in range(1, len(parts)))
    return any(found.layer.name_scope is not None for found in (layer, *filter(None, around)))


def _check_same(first: tuple[LayerSpec, ParamSpec], second: tuple[LayerSpec, ParamSpec]) -> None:
    """
    :param first: a layer and its parameter
    :param second: the layer and the parameter of another net with the same names
    """
    where = f"layers {first[0].name!r} and {second[0].name!r} have the same parameter {first[1].path}"
    if first[1].shape != second[1].shape:
        raise NetworkError(f"{where}, but with the shapes {first[1].shape} and {second[1].shape}")
    without_parts = [replace(param, splits=(), returnn_splits=None) for _, param in (first, second)]
    if without_parts[0] != without_parts[1]:
        raise NetworkError(f"{where}, expected the same initializer and 'trainable'")
    for option in _OF_PARAMETERS:
        found = [getattr(layer.layer, option) for layer, _ in (first, second)]
        if found[0] != found[1]:
            raise NetworkError(f"{where}, expected the same {option!r}, found {found[0]!r} and {found[1]!r}")
