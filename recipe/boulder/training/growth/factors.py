"""Factors that keep sums over replicated units as they were, where the sum has no parameters of its own.

The energies of an attention are products of queries and keys, summed over features. If a feature gets c replicas, it counts c times
as much; so the parameters that make the queries are divided by c.
"""

from __future__ import annotations

from collections import Counter

import numpy

from boulder.network import NetworkSpec
from boulder.network.widening.site import Wanted
from boulder.network.widening.units import runs
from boulder.training.growth.graph import Fail
from boulder.training.growth.mappings import Mappings
from boulder.training.growth.readers import readers_of

Axes = list[tuple[str, tuple[int, ...]]]
"""Paths of parameters, and the axes along which they may be multiplied."""


class Factors:
    """
    :ivar of: path → axis → factor of each entry along it

    :raises ConfigError: if no parameters can be multiplied where a layer asks for it
    """

    def __init__(self, network: NetworkSpec, wanted: Wanted, mappings: Mappings, fail: Fail) -> None:
        self.wanted, self.mappings = wanted, mappings
        self.readers = readers_of(network)
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
            found = next(filter(None, (self._found(key, name, demand.sources) for key in demand.sources)), None)
            if found is None:
                wider = " and ".join(f"{run.name!r} gets wider, from {run.old} to {run.new}" for run in units)
                raise fail(
                    f"{demand.reason}{wider and f', and {wider}'}; that can be corrected in the weights of a linear "
                    f"layer, but neither {' nor '.join(map(repr, dict.fromkeys(demand.sources)))} is one that only this layer reads"
                )
            for path, axes in found:
                self._multiply(path, axes, units, demand.factor)

    def _found(self, key: str, reader: str, beside: tuple[str, ...]) -> Axes | None:
        """:return: the parameters that multiply a source, if nothing else depends on it"""
        if beside.count(key) > 1 or self.readers.get(key) != {reader}:
            return None
        if key in self.wanted.scalable:
            found = self.wanted.scalable[key]
            return found if all(self.uses[path] == 1 for path, _ in found) else None
        sources, every = self.wanted.through.get(key, ((), False))
        results = [self._found(source, key, sources) for source in sources]
        if not every:
            return next(filter(None, results), None)
        if not results or None in results:
            return None
        return [entry for result in results if result for entry in result]

    def _multiply(self, path: str, axes: tuple[int, ...], units: set, factor: float) -> None:
        terms = self.wanted.params[path]
        along = self.of.setdefault(path, {})
        for axis in axes:
            values = self.mappings.divisors(terms[axis], units)
            if axis == axes[0]:
                values = values * factor
            along[axis] = along[axis] * values if axis in along else values
