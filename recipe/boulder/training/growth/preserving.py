"""`net2wider` and `deepen`: the grown network computes what the old one did (Net2Net, Chen, Goodfellow & Shlens 2016).

A layer that grows from n to N units keeps the old ones and gets N - n replicas of randomly drawn ones. Unit j replicates the
old unit m(j), and c(u) counts the replicas of u, itself included. Incoming weights are copied, outgoing weights are divided:

    W'[·, j] = W[·, m(j)]           W'[j, ·] = W[m(j), ·] / c(m(j))

All replicas of a unit have the same value, and the layers that read them receive their sum. With `noise` the shares of the
replicas are unequal but still sum to 1, so that they can learn different features while the function is preserved (Wang et
al. 2023, LEMON; Net2Net adds noise to the weights instead, which changes the function). A new source of a layer has rows of 0.

This is exact without dropout, and if units differ only by their weights: see `Units`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy

from boulder.errors import ConfigError
from boulder.network.params import ParamSpec, Part
from boulder.training.growth.by_source import is_output, match_parts, parts_of
from boulder.training.growth.deepening import Identity, inserted
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.matching import Specs, layer_names
from boulder.training.growth.transfer import Transfer, entire
from boulder.training.growth.units import Units, random_stream


def preserving_transfers(
    old_specs: Specs,
    new_specs: Specs,
    partners: Mapping[str, ParamSpec],
    init_from: Mapping[str, str],
    options: GrowthOptions,
    mode: str,
    own_way: Collection[str],
) -> dict[str, Transfer | Identity]:
    """
    :param partners: path of a new parameter → the matching old one
    :param mode: "net2wider", or "deepen", which turns new layers between old ones into the identity
    :param own_way: layers that have a mode of their own; their readers must see as many units as before
    :return: path → transfer, without the parameters of `own_way`
    :raises ConfigError: if the function cannot be preserved; names the reason
    """
    every = new_specs
    new_specs = {path: spec for path, spec in every.items() if spec.layer not in own_way}
    partners = {path: old for path, old in partners.items() if path in new_specs}
    gone = {init_from.get(layer, layer) for layer in own_way} - {old.layer for old in partners.values()}
    old_specs = {path: spec for path, spec in old_specs.items() if spec.layer not in gone}
    units = Units(old_specs, new_specs, init_from, options, mode)
    growth = _Preserving(mode, old_specs, new_specs, partners, init_from, options, units)
    growth.check_layers_are_whole()
    transfers = {path: growth.transfer(old, new_specs[path]) for path, old in partners.items()}
    units.check_readers(every, growth.inserted)
    starts = {path: growth.starts[spec.layer] for path, spec in new_specs.items() if spec.layer in growth.starts}
    return transfers | starts


class _Preserving:
    def __init__(
        self,
        mode: str,
        old_specs: Specs,
        new_specs: Specs,
        partners: Mapping[str, ParamSpec],
        init_from: Mapping[str, str],
        options: GrowthOptions,
        units: Units,
    ) -> None:
        self.mode, self.old_specs, self.new_specs, self.partners = mode, old_specs, new_specs, partners
        self.init_from, self.options, self.units = init_from, options, units
        self.old_layers = layer_names(old_specs)
        self.fresh = {spec.layer for spec in new_specs.values()} - {new_specs[path].layer for path in partners}
        self.inserted: set[str] = set()  # new layers that become the identity
        self.starts: dict[str, Identity] = {}  # layer → start of its parameters

    def check_layers_are_whole(self) -> None:
        """:raises ConfigError: if a layer of both networks has different parameters in them"""
        for path, spec in self.new_specs.items():
            if path not in self.partners and spec.layer not in self.fresh:
                raise self.fail(f"parameter {path!r} is new in a layer that is not new")
        trained = {old.layer for old in self.partners.values()}
        used = {old.path for old in self.partners.values()}
        for path, spec in self.old_specs.items():
            if path not in used and spec.layer in trained:
                raise self.fail(f"parameter {path!r} is missing in a layer that still exists")

    def fail(self, message: str) -> ConfigError:
        return ConfigError(f"growth by {self.mode}: {message}; the network would compute something else")

    def transfer(self, old: ParamSpec, new: ParamSpec) -> Transfer:
        if len(old.shape) != len(new.shape):
            raise self.fail(f"parameter {new.path!r} has {len(new.shape)} axes, but had {len(old.shape)} before")
        axes = [self._axis(old, new, axis) for axis in range(len(new.shape))]
        return Transfer(old, tuple(a.index for a in axes), tuple(a.shares for a in axes), zero_elsewhere=True)

    def _axis(self, old: ParamSpec, new: ParamSpec, axis: int) -> _Axis:
        """:return: the source of each entry of the axis, and its share"""
        output = is_output(new, axis)
        old_parts = parts_of(old, axis)
        new_parts = parts_of(new, axis) if output else self._without_identities(old, new, axis)
        partner = match_parts(old_parts, new_parts, {} if output else self.init_from, in_order=False)
        lost = [part.label for number, part in enumerate(old_parts) if number not in partner]
        if lost:
            what = "has no gate" if output else "no longer reads"
            hint = "" if output or self.mode == "deepen" else " ('deepen' puts layers in between)"
            raise self.fail(f"parameter {new.path!r} {what} {', '.join(map(repr, lost))}{hint}")
        starts = numpy.cumsum([0, *(part.size for part in old_parts)])
        index, shares = [], []
        for part, number in zip(new_parts, partner, strict=True):
            if number is None:
                index.append(numpy.full(part.size, -1))
                shares.append(numpy.ones(part.size))
                continue
            own = output or not part.label
            if not own and part.label in self.fresh:
                raise self.fail(f"layer {part.label!r} has lost all its parameters, and {new.layer!r} reads it")
            mapping = self.units.mapping(new.layer if own else part.label, old_parts[number].size, part.size)
            if mapping is None and own and old_parts[number].size == part.size:
                mapping = entire(part.size)  # neither units nor sources, such as the width of a filter
            if mapping is None:
                of = "its units" if own else f"units of {part.label!r}"
                raise self.fail(
                    f"axis {axis} of parameter {new.path!r} has {part.size} of {of}, but had "
                    f"{old_parts[number].size} before, and their origin is unknown"
                )
            index.append(starts[number] + mapping)
            key = f"{new.path}:{axis}:{len(shares)}"
            outgoing = not output and not (new.per_unit and axis == len(new.shape) - 1)
            shares.append(self._shares(mapping, old_parts[number].size, key) if outgoing else numpy.ones(part.size))
        joined = numpy.concatenate(shares)
        return _Axis(numpy.concatenate(index), None if (joined == 1).all() else joined)

    def _shares(self, mapping: numpy.ndarray, old_size: int, key: str) -> numpy.ndarray:
        """:return: share of each unit in the weight of its old unit; the shares of all replicas of a unit sum to 1"""
        weights = numpy.ones(len(mapping))
        if self.options.noise:
            weights += self.options.noise * random_stream(self.options.seed, key).uniform(-1, 1, len(mapping))
        return weights / numpy.bincount(mapping, weights, minlength=old_size)[mapping]

    def _without_identities(self, old: ParamSpec, new: ParamSpec, axis: int) -> list[Part]:
        """
        :return: the parts of the axis, where new layers between this layer and its old sources are replaced by those sources.
            Other new sources stay, with rows of 0.
        """
        labels = {part.label for part in parts_of(old, axis)}
        parts = list(parts_of(new, axis))
        kept = {self.init_from.get(part.label, part.label) for part in parts}
        if self.mode != "deepen" or labels <= kept:
            return parts
        result = []
        while parts:
            part = parts.pop(0)
            label = self.init_from.get(part.label, part.label)
            if label in labels or label in self.old_layers or not label:
                result.append(part)
            else:
                new_layer = inserted(part.label, self.options.network, self.old_layers, self.fail)
                self.inserted.add(part.label)
                self.starts |= new_layer.starts
                parts = [*new_layer.parts, *parts]
        return result


@dataclass(frozen=True)
class _Axis:
    index: numpy.ndarray
    shares: numpy.ndarray | None
