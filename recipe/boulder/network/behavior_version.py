"""RETURNN's `behavior_version`: which default of which layer class each version changes.

The layers here have the defaults of version 0. `with_behavior_version` writes the defaults of a later version into the net
dict, so that everything after it needs no version, and the hash of a phase changes only where its network does.

Version 11 changes what `combine` and `eval` do with a feature axis of size 1; `broadcasting_layers` finds the layers where
this matters. The other versions forbid old options (1, 2, 4, 5, 7, 8, 13), or do not
change results: an order of axes in memory (9, 18), padding that always follows the last frame here (21, layer `pad`), others
(14, 15, 16, and 22 on): see the calls of `BehaviorVersion` in RETURNN 1.20261022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.errors import NetworkError
from boulder.network.axes import FEATURE
from boulder.network.layers.dot import Dot
from boulder.network.site import Site
from boulder.network.specs import LayerSpec, NetworkSpec

LATEST = 38
"""The latest version of RETURNN 1.20261022."""


@dataclass(frozen=True)
class Change:
    """
    :param version: the first version with the new defaults
    :param name: class of the layer, or name of the recurrent unit in lower case
    :param defaults: option → new default; they apply together, if the layer, or its `unit_opts`, sets none of these options
    :param where_empty: an option without which the defaults do not apply: they matter only where it is given and empty
    """

    version: int
    name: str
    defaults: Mapping[str, Any]
    where_empty: str | None = None

    def applies(self, options: Mapping[str, Any]) -> bool:
        """:param options: of the layer, or its `unit_opts`"""
        matters = self.where_empty is None or (self.where_empty in options and not options[self.where_empty])
        return matters and options.keys().isdisjoint(self.defaults)


CHANGES = (
    Change(3, "dot", {"var1": "auto", "var2": "auto"}),
    Change(3, "dot", {"add_var2_if_empty": False}, where_empty="var2"),
    Change(6, "merge_dims", {"keep_order": True}),
    Change(10, "conv", {"with_bias": True}),
    Change(12, "batch_norm", {"momentum": 0.1}),
    Change(12, "batch_norm", {"update_sample_only_in_training": True}),
    Change(12, "batch_norm", {"delay_sample_update": True}),
    Change(12, "batch_norm", {"param_version": 2}),
)
CHANGES_OF_UNITS = (Change(17, "zoneoutlstm", {"use_zoneout_output": True}),)


def check_version(version: object) -> int:
    """
    :param version: value of a config; None: 0, as in RETURNN
    :raises NetworkError: if it is no version of RETURNN
    """
    if version is None:
        return 0
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= LATEST:
        raise NetworkError(f"'behavior_version': found {version!r:.60}, expected an int from 0 to {LATEST}")
    return version


def with_behavior_version(network: dict[str, Any], version: int) -> dict[str, Any]:
    """
    :param network: net dict
    :return: the net dict in which the options that `version` changes are set; equal parts are shared, for version 0 all
    """
    changed = {name: _changed(options, version) for name, options in network.items()}
    return changed if any(changed[name] is not options for name, options in network.items()) else network


def _changed(options: Any, version: int) -> Any:
    """:return: options of a layer, or another value in them; layers can hold layers"""
    if not isinstance(options, dict):
        return options
    result = with_behavior_version(options, version)
    if options.get("batch_norm") and "class" in options:  # the option of any layer
        own = {} if options["batch_norm"] is True else options["batch_norm"]
        changed = _changed({"class": "batch_norm", **own}, version)
        if changed.keys() - {"class"} != own.keys():
            result = {**result, "batch_norm": {key: changed[key] for key in changed if key != "class"}}
    result = _with_defaults(result, CHANGES, options.get("class"), version)
    unit, unit_options = options.get("unit"), options.get("unit_opts") or {}
    if isinstance(unit, str) and isinstance(unit_options, dict):
        changed = _with_defaults(unit_options, CHANGES_OF_UNITS, unit.lower(), version)
        if changed is not unit_options:
            result = {**result, "unit_opts": changed}
    return result


def _with_defaults(options: dict[str, Any], changes: tuple[Change, ...], name: object, version: int) -> dict[str, Any]:
    for change in changes:
        if version >= change.version and name == change.name and change.applies(options):
            options = {**options, **change.defaults}
    return options


def check_axes(spec: NetworkSpec, version: int) -> None:
    """
    Refuses layers with axes that a version keeps apart, but which are one axis here, as in earlier versions: since version
    11 a feature axis of size 1 that `combine` or `eval` would broadcast, since version 14 static axes of one size in the
    two sources of `dot` with automatic `var1` and `var2`, unless both are `Dim`s, and since version 16 features of one size
    with and without a `Dim`. Also refuses static axes of one size with different `Dim`s, which are different axes here, in
    the versions before 16, where RETURNN takes them for one.

    :raises NetworkError: names the layer
    """
    for name, layer in spec.layers.items():
        if version >= 11 and layer.layer.class_name in ("combine", "eval") and _broadcasts(spec, layer):
            raise _kept_apart(name, "features of size 1 and of another size", 11)
        if version >= 14 and isinstance(layer.layer, Dot) and len(set(layer.sources)) == 2:
            sources = [(source, spec.template(source)) for source in layer.sources]
            if layer.layer.shared_static_axes(Site(name, layer.layer, sources)):
                raise _kept_apart(name, "axes of the same size", 14)
        if layer.layer.class_name in ("combine", "eval", "compare", "dot"):
            _check_dims(spec, layer, version)


def _check_dims(spec: NetworkSpec, layer: LayerSpec, version: int) -> None:
    sources = [[axis for axis in spec.template(source).axes if axis.size is not None] for source in layer.sources]
    pairs = [(a, b) for i, axes in enumerate(sources) for others in sources[:i] for a in axes for b in others]
    pairs = [(a, b) for a, b in pairs if a.size == b.size and a.dim != b.dim]
    if version >= 16 and any(a.kind == b.kind == FEATURE and not (a.dim and b.dim) for a, b in pairs):
        raise _kept_apart(layer.name, "features of one size with and without a Dim", 16)
    first = 14 if isinstance(layer.layer, Dot) else 16
    found = next(((a, b) for a, b in pairs if a.dim and b.dim), None)
    if version < first and found:
        raise NetworkError(
            f"layer {layer.name!r}: its sources have the axes {found[1]} and {found[0]}, which are one axis before "
            f"behavior_version {first}, but not here; expected at least that version, found {version}"
        )


def _broadcasts(spec: NetworkSpec, layer: LayerSpec) -> bool:
    features = [spec.template(source).feature for source in layer.sources]
    if all(feature and feature.dim for feature in features):
        return False
    sizes = {feature.size for feature in features if feature}
    return 1 in sizes and len(sizes) > 1


def _kept_apart(layer: str, axes: str, version: int) -> NetworkError:
    return NetworkError(
        f"layer {layer!r}: its sources have {axes}, which are different axes since behavior_version {version}; Boulder does "
        "not support this yet"
    )
