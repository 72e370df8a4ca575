"""`net2wider` and `deepen`: the grown network computes what the old one did (Net2Net, Chen, Goodfellow & Shlens 2016).

A layer that grows from n to N units gets the old ones, then replicas of N - n of them, drawn at random: m(j) is the old
unit that unit j replicates, c(u) how many there are of u. What leads to a unit is copied, and what reads it is shared:

    W'[·, j] = W[·, m(j)]           W'[j, ·] = W[m(j), ·] / c(m(j))

All replicas of a unit compute the same, and what reads them gets their sum. With `noise` their shares are not equal,
only their sum is 1, so that they learn different things while the function is still the same (as in Wang et al. 2023,
LEMON; Net2Net adds noise to the weights instead, which changes it). A source that is new to a layer has rows of 0.

This is exact as long as there is no dropout, and where units are told apart only by their weights: see `Units`.
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
    :param partners: path of the new parameter → the old one
    :param mode: "net2wider" or "deepen": new layers between old ones become the identity, and else they are an error
    :param own_way: layers that are not grown here; what reads them needs as many units as before
    :return: nothing for `own_way`
    :raises ConfigError: where the function cannot be preserved; says why
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
    def __init__(self, mode, old_specs, new_specs, partners, init_from, options: GrowthOptions, units: Units):
        self.mode, self.old_specs, self.new_specs, self.partners = mode, old_specs, new_specs, partners
        self.init_from, self.options, self.units = init_from, options, units
        self.old_layers = layer_names(old_specs)
        self.fresh = {spec.layer for spec in new_specs.values()} - {new_specs[path].layer for path in partners}
        self.inserted: set[str] = set()  # new layers that are the identity
        self.starts: dict[str, Identity] = {}  # layer → how its parameters start for that

    def check_layers_are_whole(self) -> None:
        """:raises ConfigError: if a layer of both networks has not the same parameters in both"""
        for path, spec in self.new_specs.items():
            if path not in self.partners and spec.layer not in self.fresh:
                raise self.fail(f"parameter {path!r} is new in a layer that is not")
        trained = {old.layer for old in self.partners.values()}
        used = {old.path for old in self.partners.values()}
        for path, spec in self.old_specs.items():
            if path not in used and spec.layer in trained:
                raise self.fail(f"parameter {path!r} is gone from a layer that is still there")

    def fail(self, message: str) -> ConfigError:
        return ConfigError(f"growth by {self.mode}: {message}; the network would compute something else")

    def transfer(self, old: ParamSpec, new: ParamSpec) -> Transfer:
        if len(old.shape) != len(new.shape):
            raise self.fail(f"parameter {new.path!r} has {len(new.shape)} axes, before it had {len(old.shape)}")
        axes = [self._axis(old, new, axis) for axis in range(len(new.shape))]
        return Transfer(old, tuple(a.index for a in axes), tuple(a.shares for a in axes), zero_elsewhere=True)

    def _axis(self, old: ParamSpec, new: ParamSpec, axis: int) -> _Axis:
        """:return: where the axis' entries come from, and what divides them"""
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
                raise self.fail(
                    f"layer {part.label!r} has none of the parameters that it had, and {new.layer!r} reads it"
                )
            mapping = self.units.mapping(new.layer if own else part.label, old_parts[number].size, part.size)
            if mapping is None and own and old_parts[number].size == part.size:
                mapping = entire(part.size)  # neither units nor sources, e.g. the width of a filter
            if mapping is None:
                of = "its units" if own else f"units of {part.label!r}"
                raise self.fail(
                    f"axis {axis} of parameter {new.path!r} has {part.size} of {of}, before it had "
                    f"{old_parts[number].size}, and nothing says how they come about"
                )
            index.append(starts[number] + mapping)
            key = f"{new.path}:{axis}:{len(shares)}"
            shares.append(numpy.ones(part.size) if output else self._shares(mapping, old_parts[number].size, key))
        joined = numpy.concatenate(shares)
        return _Axis(numpy.concatenate(index), None if (joined == 1).all() else joined)

    def _shares(self, mapping: numpy.ndarray, old_size: int, key: str) -> numpy.ndarray:
        """:return: for each unit its share of the old unit's weight; over all replicas of one they add up to 1"""
        weights = numpy.ones(len(mapping))
        if self.options.noise:
            weights += self.options.noise * random_stream(self.options.seed, key).uniform(-1, 1, len(mapping))
        return weights / numpy.bincount(mapping, weights, minlength=old_size)[mapping]

    def _without_identities(self, old: ParamSpec, new: ParamSpec, axis: int) -> list[Part]:
        """
        :return: the axis' parts, with a layer that is new between this one and its sources replaced by those sources

        What is new beside the old sources stays: its rows are 0.
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
