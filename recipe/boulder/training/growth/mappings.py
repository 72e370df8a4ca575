"""Which old unit each unit of a wider network replicates, and the share of each replica in the sums over them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import numpy

from boulder.network.widening.site import Wanted
from boulder.network.widening.units import Divided, Joined, Product, Run, Slot, Term, runs, settled, sizes_of
from boulder.training.growth.graph import Fail


class Mappings:
    """
    :param seed: of the units that are replicated
    :param noise: inequality of the shares, see `GrowthOptions`
    :param wanted: what the layers ask for
    :param fail: makes an error from a reason
    :raises ConfigError: if it cannot be had; names the layer
    """

    def __init__(self, seed: int, noise: float, wanted: Wanted, fail: Fail) -> None:
        self.seed, self.noise, self.fail = seed, noise, fail
        self.even: set[Run] = set()
        self._check_growth(wanted)
        for term, reason in wanted.kept:
            for run in runs(term):
                if run.old != run.new:
                    raise fail(f"{reason}, and {_named(run)} gets wider, from {run.old} to {run.new}; keep its width")
        for term, reason in wanted.even:
            for run in runs(term):
                if run.old and run.new % run.old and run.new > run.old:
                    raise fail(
                        f"{reason}, and {_named(run)} gets wider, from {run.old} to {run.new}, so that some units would count more "
                        f"than others; expected a multiple of {run.old}"
                    )
                if not run.old:
                    raise fail(f"{reason}, and {_named(run)} is new")
                self.even.add(run)
        self._mappings: dict[Run, numpy.ndarray] = {}
        for term, reason in wanted.even:
            counts = numpy.bincount(self.index(term), minlength=sizes_of(term)[0])
            if (counts != counts[0]).any():
                parts = [f"{_named(run)} from {run.old} to {run.new}" for run in runs(term)]
                raise fail(
                    f"{reason}, of which {' and '.join(parts)} would not count equally; expected the same multiple for all"
                )

    def _check_growth(self, wanted: Wanted) -> None:
        """:raises ConfigError: if a layer gets narrower"""
        every = {run for terms in wanted.params.values() for term in terms for run in runs(term)}
        for run in sorted(every, key=_named):
            if run.new < run.old:
                raise self.fail(
                    f"{_named(run)} would shrink from {run.old} to {run.new} units; use copy_param_mode 'subset_by_source'"
                )

    def index(self, term: Term) -> numpy.ndarray:
        """:return: for each new unit, the old one; -1 for none"""
        term = settled(term)
        match term:
            case Run():
                return self._mapping(term)
            case Divided() | Slot():
                return self.index(term.inner)
            case Joined():
                parts = zip(term.parts, term.starts, strict=True)
                indices = [_shifted(self.index(part), start) for part, start in parts]
                return numpy.concatenate(indices) if indices else numpy.arange(0)
        assert isinstance(term, Product)
        result = numpy.zeros(1, int)
        for factor in term.factors:
            inner = self.index(factor)
            outer = result[:, None]
            joined = outer * sizes_of(factor)[0] + inner
            result = numpy.where((outer < 0) | (inner < 0), -1, joined).ravel()
        return result

    def _mapping(self, run: Run) -> numpy.ndarray:
        if run not in self._mappings:
            self._mappings[run] = self._replicated(run)
        return self._mappings[run]

    def _replicated(self, run: Run) -> numpy.ndarray:
        if run.old == run.new:
            return numpy.arange(run.new)
        if run.old == 0:
            return numpy.full(run.new, -1)
        if run in self.even:
            return numpy.arange(run.new) % run.old
        name = run.owner[1] if run.owner else run.name
        replicas = random_stream(self.seed, f"{name}:{run.old}:{run.new}").integers(0, run.old, run.new - run.old)
        return numpy.concatenate([numpy.arange(run.old), replicas])

    def shares(self, term: Term, key: str) -> numpy.ndarray:
        """
        :param key: of the random numbers
        :return: the share of each unit in the sums over them; 1 where there is no sum
        """
        return _Shares(self, key).of(term)

    def divisors(self, term: Term, units: Collection[Run], factor: float, slot: Slot | None) -> numpy.ndarray:
        """
        :param slot: a part of the term; None for all of it
        :return: the share of each unit of the slot in sums over `units`, times `factor`; 1 outside of the slot
        """
        term = settled(term)
        if slot is None:
            return self._shares_in(term, units) * factor
        match term:
            case Slot():
                return self.divisors(term.inner, units, factor, None if term is slot else slot)
            case Joined():
                return numpy.concatenate([self.divisors(part, units, factor, slot) for part in term.parts])
            case Product():
                return _outer(self.divisors(inner, units, factor, slot) for inner in term.factors)
        return numpy.ones(sizes_of(term)[1])

    def _shares_in(self, term: Term, units: Collection[Run]) -> numpy.ndarray:
        term = settled(term)
        match term:
            case Run():
                return self.equal_shares(self._mapping(term)) if term in units else numpy.ones(term.new)
            case Divided() | Slot():
                return self._shares_in(term.inner, units)
            case Joined():
                return numpy.concatenate([self._shares_in(part, units) for part in term.parts])
        assert isinstance(term, Product)
        return _outer(self._shares_in(inner, units) for inner in term.factors)

    @staticmethod
    def equal_shares(mapping: numpy.ndarray) -> numpy.ndarray:
        return shares_of(mapping, numpy.ones(len(mapping)))


class _Shares:
    """Shares of the units of one term, in whose order random numbers are drawn."""

    def __init__(self, mappings: Mappings, key: str) -> None:
        self.mappings, self.key, self.number = mappings, key, 0

    def of(self, term: Term) -> numpy.ndarray:
        term = settled(term)
        match term:
            case Run():
                self.number += 1
                return numpy.ones(term.new)
            case Divided():
                return self._divided(term)
            case Slot():
                return self.of(term.inner)
            case Joined():
                return numpy.concatenate([self.of(part) for part in term.parts])
        assert isinstance(term, Product)
        return _outer(map(self.of, term.factors))

    def _divided(self, term: Divided) -> numpy.ndarray:
        mapping = self.mappings.index(term.inner)
        weights, noise = numpy.ones(len(mapping)), self.mappings.noise
        if noise:
            random = random_stream(self.mappings.seed, f"{self.key}:{self.number}")
            weights += noise * random.uniform(-1, 1, len(mapping))
        self.number += 1
        return shares_of(mapping, weights) * term.factor


def shares_of(mapping: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """:return: `weights`, divided so that those of all replicas of a unit sum to 1"""
    known = mapping >= 0
    totals = numpy.bincount(mapping[known], weights[known])
    result = numpy.ones(len(mapping))
    result[known] = weights[known] / totals[mapping[known]]
    return result


def _outer(factors: Iterable[numpy.ndarray]) -> numpy.ndarray:
    """:return: all products, in row-major order"""
    result = numpy.ones(1)
    for factor in factors:
        result = (result[:, None] * factor).ravel()
    return result


def _shifted(index: numpy.ndarray, start: int) -> numpy.ndarray:
    return numpy.where(index < 0, -1, index + start)


def _named(run: Run) -> str:
    name = run.owner[1] if run.owner else run.name
    return f"layer {name!r}" if name else "an axis"


def random_stream(seed: int, key: str) -> numpy.random.Generator:
    """:return: random numbers that are a function of (seed, key)"""
    digest = hashlib.sha256(f"{seed}:growth:{key}".encode()).digest()
    return numpy.random.Generator(numpy.random.Philox(key=int.from_bytes(digest[:16], "big")))
