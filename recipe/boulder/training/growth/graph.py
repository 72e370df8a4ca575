"""The units of all layers of a network that gets wider: asks each layer which of them are the same, see `Layer.widening`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from boulder.errors import ConfigError
from boulder.network import LayerSpec, NetworkSpec
from boulder.network.extra_nets import plain_name
from boulder.network.params import ParamSpec, Part
from boulder.network.recurrent import Recurrent
from boulder.network.refs import layer_of_key
from boulder.network.template import Template
from boulder.network.widening.site import Tied, Wanted, Widening, has_units
from boulder.network.widening.units import Divided, Joined, Run, Term, sizes_of
from boulder.training.growth.by_source import match_parts, parts_of
from boulder.training.growth.readers import readers_of
from boulder.training.growth.unchanged import changed_option

Fail = Callable[[str], ConfigError]


@dataclass(frozen=True)
class Names:
    """
    Layers of the new network in the old one.

    :param init_from: new layer → old layer, where the names differ
    :param identities: new layer that becomes the identity → the layers that it passes on
    """

    init_from: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def passed_on(self, key: str) -> tuple[str, ...]:
        """:return: the layers that `key` passes on, through all identities; itself if it is none"""
        parts = self.identities.get(key)
        return (key,) if parts is None else tuple(name for part in parts for name in self.passed_on(part))

    def old(self, key: str) -> str:
        """:return: the name of a source in the old network"""
        layer = layer_of_key(key)
        before = self.init_from.get(layer, self.init_from.get(plain_name(layer), layer))
        return key if before == layer else before


@dataclass
class Layers:
    """
    The outputs of a network by name.

    :param network: its description
    """

    network: NetworkSpec

    @cached_property
    def by_name(self) -> dict[str, LayerSpec]:
        """:return: a layer that a loop computes and that is read outside of it as well: as in the loop"""
        found: dict[str, LayerSpec] = {}
        for spec in self.all:
            found.setdefault(spec.name, spec)
        for spec in self.all:
            found.setdefault(plain_name(spec.name), spec)
        return found

    def like(self, name: str, other: LayerSpec) -> LayerSpec | None:
        """:return: the layer of that name; of the two that a loop's layer may be, the one of the class of `other`"""
        found = self._of_name.get(name, [])
        same = [spec for spec in found if type(spec.layer) is type(other.layer)]
        return next(iter([*same, *found]), None)

    @cached_property
    def _of_name(self) -> dict[str, list[LayerSpec]]:
        found: dict[str, list[LayerSpec]] = {}
        for spec in self.all:
            found.setdefault(spec.name, []).append(spec)
        return found

    @cached_property
    def all(self) -> list[LayerSpec]:
        return [*self.network.all_layers()]

    def template(self, key: str) -> Template | None:
        for name in (key, layer_of_key(key)):
            if name in self.by_name:
                return self.by_name[name].template
        return self.network.extern_data.get(key.removeprefix("data:"))


class Graph:
    """
    :param old: the old network
    :param new: the new network
    :param partners: path of a new parameter → the matching old one
    :param own_way: layers that have a mode of their own
    :param fail: makes an error from a reason
    """

    def __init__(
        self,
        old: NetworkSpec,
        new: NetworkSpec,
        partners: Mapping[str, ParamSpec],
        names: Names,
        own_way: Collection[str],
        fail: Fail,
    ) -> None:
        self.old, self.new, self.names, self.fail = Layers(old), Layers(new), names, fail
        self.partners, self.own_way = partners, own_way
        self.wanted, self.readers = Wanted(), readers_of(new, losses=False)
        self.known: dict[str, Tied] = {}
        for number, spec in enumerate(new.all_layers()):
            self._ask(number, spec)

    # Outputs

    def tensor(self, key: str) -> Tied:
        """:return: a source, under its name in the new network"""
        name = layer_of_key(key) if key not in self.new.by_name else key
        if name not in self.known:
            self.known[name] = self._tensor(name)
        found = self.known[name]
        if key != name:  # `prev:` of a layer, which has the same axes
            found = replace(found, key=key)
        return found

    def _tensor(self, name: str) -> Tied:
        new, old = self.new.template(name), self.old.template(self.names.old(name))
        if new is None:  # the number of the iteration, within a loop
            return Tied(name, Template(()), Template(()), ())
        if name in self.names.identities:
            return self._passed_on(name, new)
        before = None if old is None else [axis for axis in old.axes if has_units(axis)]
        after = [axis for axis in new.axes if has_units(axis)]
        if before is not None and len(before) != len(after):
            if name in self.new.by_name:
                raise self.fail(f"layer {name!r} is {new}, but was {old}")
            before = after
        sizes = iter(
            [0 if axis == new.feature else axis.known_size for axis in after]
            if before is None
            else [axis.known_size for axis in before]
        )
        terms = [Run(next(sizes), axis.known_size, name) if has_units(axis) else None for axis in new.axes]
        if old is not None and old.sparse_dim != new.sparse_dim:
            raise self.fail(f"{name!r} has {new.sparse_dim} classes, but had {old.sparse_dim}")
        return Tied(name, old, new, tuple(terms))

    def _passed_on(self, name: str, new: Template) -> Tied:
        """:return: the output of a new layer that becomes the identity"""
        parts = [self.tensor(part) for part in self.names.identities[name]]
        first = parts[0]
        others = iter(
            term for axis, term in zip(first.new.axes, first.terms, strict=True) if term and axis != first.new.feature
        )
        joined = Joined.of(*(part.feature for part in parts if part.feature is not None))
        terms = [
            joined if axis == new.feature else next(others, None) if has_units(axis) else None for axis in new.axes
        ]
        old = first.old.with_feature(sizes_of(joined)[0]) if first.old else None
        return Tied(name, old, new, tuple(terms))

    # Layers

    def _ask(self, number: int, spec: LayerSpec) -> None:
        name = plain_name(spec.name)
        old = self.old.like(self.names.old(spec.name), spec)
        if name in self.own_way:
            for term in self.tensor(spec.name).units if self.readers.get(spec.name) else ():
                self.wanted.kept.append((term, f"layer {spec.name!r} has a mode of its own and is read by others"))
            return
        if old is None or name in self.names.identities:
            return
        output = self.tensor(spec.name)
        if output.new.axes != spec.template.axes:  # the output of a loop's layer for all frames
            output = self._over_frames(output, spec.template)
        computed = spec.computed
        if problem := changed_option(old.layer, spec.layer):
            raise self.fail(f"layer {spec.name!r} ({spec.layer.class_name}) {problem}")
        keys = self._old_keys(old, spec)
        site = Widening(
            spec.name,
            number,
            spec.layer,
            old.layer,
            [self.tensor(source) for source in spec.sources],
            keys,
            self._old_sources(keys, spec),
            self.names.passed_on,
            replace(output, new=computed),
            self._params(spec),
            partial(self._rows, old),
            self.tensor,
            self.wanted,
            self.fail,
        )
        if spec.borrowed and (isinstance(spec.layer, Recurrent) or any(not entry.target for entry in spec.borrowed)):
            site.unchanged()  # the origin of the rows of its parameters is unknown
        spec.layer.widening(site)
        if spec.layer.batch_norm:
            self.wanted.scalable.pop(spec.name, None)
            self.wanted.through.pop(spec.name, None)
        self._other_params(site, spec)

    def _params(self, spec: LayerSpec) -> dict[str, ParamSpec]:
        """:return: name → parameter of the layer, those that it takes from others included"""
        params = {param.name: param for param in spec.params}
        for entry in spec.borrowed:
            shared = self.new.network.shared.get((spec.name, entry.name), {})
            if "" in shared:
                params[entry.name] = replace(shared[""], splits=())
        return params

    @staticmethod
    def _over_frames(output: Tied, template: Template) -> Tied:
        own = iter(output.units)
        return replace(output, new=template, terms=tuple(next(own) if has_units(a) else None for a in template.axes))

    def _old_keys(self, old: LayerSpec, new: LayerSpec) -> list[str]:
        """:return: what the layer read in the old network, under the names of today"""
        today: dict[str, list[str]] = {}
        for source in new.sources:
            for key in self.names.passed_on(source):
                today.setdefault(self.names.old(key), []).append(key)
        return [names.pop(0) if (names := today.get(key)) else key for key in old.sources]

    def _old_sources(self, keys: list[str], new: LayerSpec) -> list[str]:
        """:return: `keys`, where layers that become the identity take the place of what they pass on"""
        result = list(keys)
        for source in new.sources:
            parts = self.names.passed_on(source)
            if parts != (source,) and set(parts) <= set(result):
                result[result.index(parts[0])] = source
                for part in parts[1:]:
                    result.remove(part)
        return result

    # Parameters

    def _rows(self, before: LayerSpec, spec: ParamSpec, axis: int, own: Term | None) -> Term:
        """
        :param before: the layer in the old network
        :param own: units of the layer itself
        :return: units along an axis whose parts are the layer's sources, or its own units
        """
        old = next((param for param in before.params if param.name == spec.name), self.partners.get(spec.path))
        if old is None or len(old.shape) != len(spec.shape):
            raise self.fail(f"parameter {spec.path!r} of shape {spec.shape} is new in a layer that is not new")
        old_parts, new_parts = parts_of(old, axis), self._seen(parts_of(spec, axis), parts_of(old, axis))
        partner = match_parts(old_parts, new_parts, self.names.init_from, in_order=False)
        lost = [part.label for number, part in enumerate(old_parts) if number not in partner]
        if lost:
            raise self.fail(
                f"parameter {spec.path!r} no longer reads {', '.join(map(repr, lost))} ('deepen' puts layers in between)"
            )
        starts = [sum(part.size for part in old_parts[:number]) for number in range(len(old_parts))]
        terms: list[Term] = []
        for part, number in zip(new_parts, partner, strict=True):
            if number is None:
                terms.append(Run(0, part.size, part.label))
                continue
            size = old_parts[number].size
            if part.label:
                term = self.tensor(part.label).feature or Run(size, part.size)
            else:
                term = own if own is not None else Run(size, part.size)
            if sizes_of(term) != (size, part.size):
                if size == part.size:
                    term = Run(size, size, part.label)
                else:
                    raise self.fail(
                        f"axis {axis} of parameter {spec.path!r} has {part.size} units of {part.label!r}, but had {size} "
                        "before, and their origin is unknown"
                    )
            terms.append(Divided(term))
        places = tuple(0 if number is None else starts[number] for number in partner)
        return Joined(tuple(terms), places, sum(part.size for part in old_parts))

    def _seen(self, parts: Collection[Part], old: Collection[Part]) -> list[Part]:
        """:return: the parts of an axis, where layers that only pass on others are replaced by these, if the old axis has no such part"""
        labels = {part.label for part in old}
        result, waiting = [], list(parts)
        while waiting:
            part = waiting.pop(0)
            passed = self.names.identities.get(part.label, ())
            if not passed and self.names.old(part.label) not in labels and part.label in self.new.by_name:
                spec = self.new.by_name[part.label]
                passed = spec.sources if spec.layer.copies_sources else ()
            if passed:
                terms = [self.tensor(name).feature for name in passed]
                waiting = [
                    Part(name, sizes_of(term)[1]) for name, term in zip(passed, terms, strict=True) if term
                ] + waiting
            else:
                result.append(part)
        return result

    def _other_params(self, site: Widening, spec: LayerSpec) -> None:
        """States the units of the parameters of which the layer itself states nothing: they stay as many."""
        for name, param in site.param_specs.items():
            old = self.partners.get(param.path)
            if param.path in self.wanted.params or old is None:
                continue
            if name.startswith("batch_norm/"):
                site.param(name, *([None] * (len(param.shape) - 1)), site.output.feature)
            elif old.shape == param.shape:
                site.param(name, *([None] * len(param.shape)))
            else:
                raise site.refuse(
                    f"has the parameter {param.path!r} of shape {param.shape}, but had {old.shape}, and its units have no rule"
                )
