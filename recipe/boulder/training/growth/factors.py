"""Factors that keep sums over replicated units as they were, where the sum has no parameters of its own.

The energies of an attention are products of queries and keys, summed over features. If a feature gets c replicas, it counts c times
as much; so the parameters that make the queries are divided by c.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy

from boulder.network import NetworkSpec
from boulder.network.layers.split import Part
from boulder.network.widening.site import Wanted
from boulder.network.widening.units import Run, Slot, runs
from boulder.training.growth.graph import Fail
from boulder.training.growth.mappings import Mappings
from boulder.training.growth.readers import readers_of


@dataclass(frozen=True)
class _Place:
    """
    :param path: of a parameter
    :param axes: along which it may be multiplied
    :param slot: the part of these axes to multiply; None for all of them
    """

    path: str
    axes: tuple[int, ...]
    slot: Slot | None


class Factors:
    """
    :ivar of: path → axis → factor of each entry along it

    :raises ConfigError: if no parameters can be multiplied where a layer asks for it
    """

    def __init__(self, network: NetworkSpec, wanted: Wanted, mappings: Mappings, fail: Fail) -> None:
        self.wanted, self.mappings = wanted, mappings
        self.readers = readers_of(network)
        self.layers = {spec.name: spec.layer for spec in network.all_layers()}
        self.uses = Counter(
            [param.path for spec in network.all_layers() for param in spec.params]
            + [param.path for shared in network.shared.values() for param in shared.values()]
        )
        self.of: dict[str, dict[int, numpy.ndarray]] = {}
        for name, demand in wanted.demands:
            units = set(runs(demand.term)) if demand.term is not None else set()
            units = {run for run in units if run.old != run.new}
            if not units and demand.factor == 1:
                continue
            found = next(filter(None, (self._found(key, name, demand.sources, None) for key in demand.sources)), None)
            if found is None:
                wider = " and ".join(f"{run.name!r} gets wider, from {run.old} to {run.new}" for run in units)
                raise fail(
                    f"{demand.reason}{wider and f', and {wider}'}; that can be corrected in the weights of a linear "
                    f"layer, but neither {' nor '.join(map(repr, dict.fromkeys(demand.sources)))} is one that only this layer reads"
                )
            for place in found:
                self._multiply(place, units, demand.factor)

    def _found(self, key: str, reader: str, beside: tuple[str, ...], slot: Slot | None) -> list[_Place] | None:
        """
        :param slot: the part of the source that is to be multiplied; None for all of it
        :return: the parameters that multiply a source, if nothing else depends on it
        """
        layer = self.layers.get(key)
        is_split = slot is not None and key in self.wanted.slots
        if beside.count(key) > 1 or (self.readers.get(key) != {reader} and not is_split):
            return None
        if key in self.wanted.scalable:
            found = [_Place(path, axes, slot) for path, axes in self.wanted.scalable[key]]
            return found if all(self.uses[place.path] == 1 for place in found) else None
        sources, every = self.wanted.through.get(key, ((), False))
        if isinstance(layer, Part) and slot is None:
            slot = self.wanted.slots[sources[0]][layer.number] if sources and sources[0] in self.wanted.slots else None
            if slot is None:
                return None
        results = [self._found(source, key, sources, slot) for source in sources]
        if not every:
            return next(filter(None, results), None)
        if not results or None in results:
            return None
        return [entry for result in results if result for entry in result]

    def _multiply(self, place: _Place, units: set[Run], factor: float) -> None:
        terms = self.wanted.params[place.path]
        along = self.of.setdefault(place.path, {})
        for axis in place.axes:
            values = self.mappings.divisors(terms[axis], units, factor if axis == place.axes[0] else 1.0, place.slot)
            along[axis] = along[axis] * values if axis in along else values
