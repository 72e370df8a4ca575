"""The units along an axis, in the old network and in the new one: runs of units, in sequence or as a product.

Run          some units, of which the old network has n and the new one N ≥ n; each new unit will replicate an old one
Joined       one term after the other: concatenated sources, gates
Product      all combinations, in row-major order: heads × features
Slot         the units of a part of a layer, which can be multiplied apart from equal units elsewhere
Divided      a sum is taken over these units: the shares of all replicas of a unit must sum to 1

`tie` makes two terms the same, by unification: a run is bound to the other term.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

Sizes = tuple[int, int]
"""old and new number of units"""


class Untied(Exception):
    """Two terms cannot be the same."""


@dataclass(eq=False)
class Run:
    """
    :param old: number of units in the old network; 0: the old network does not have them
    :param new: number of units in the new network
    :param name: what has these units, for messages
    :param owner: number and name of the first layer whose parameters make these units
    :param bound: the term that it is the same as
    """

    old: int
    new: int
    name: str = ""
    owner: tuple[int, str] | None = None
    bound: Term | None = None


@dataclass(frozen=True, eq=False)
class Joined:
    """
    :param parts: in the order of the new network
    :param starts: for each part, where it begins in the old network
    :param old: number of units in the old network
    """

    parts: tuple[Term, ...]
    starts: tuple[int, ...]
    old: int

    @classmethod
    def of(cls, *parts: Term) -> Joined:
        """:return: parts that are in the same order in both networks"""
        sizes = [sizes_of(part)[0] for part in parts]
        return cls(parts, tuple(sum(sizes[:i]) for i in range(len(sizes))), sum(sizes))


@dataclass(frozen=True, eq=False)
class Product:
    factors: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Divided:
    """
    :param factor: multiplies all entries
    """

    inner: Term
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Slot:
    inner: Term


Term = Run | Joined | Product | Divided | Slot


def sizes_of(term: Term) -> Sizes:
    match term:
        case Run():
            return term.old, term.new
        case Divided() | Slot():
            return sizes_of(term.inner)
        case Joined():
            return term.old, sum(sizes_of(part)[1] for part in term.parts)
    sizes = [sizes_of(factor) for factor in term.factors]
    return prod(old for old, _ in sizes), prod(new for _, new in sizes)


def settled(term: Term) -> Term:
    """:return: the term without bound runs, nested sequences, nested products and empty parts, as far as its outermost level"""
    match term:
        case Run():
            return term if term.bound is None else settled(term.bound)
        case Joined():
            flat: list[tuple[Term, int]] = []
            for part, start in zip(map(settled, term.parts), term.starts, strict=True):
                if isinstance(part, Joined):
                    flat += [(inner, start + at) for inner, at in zip(part.parts, part.starts, strict=True)]
                elif sizes_of(part) != (0, 0):
                    flat.append((part, start))
            if len(flat) == 1 and sizes_of(flat[0][0])[0] == term.old:
                return flat[0][0]
            return Joined(tuple(part for part, _ in flat), tuple(start for _, start in flat), term.old)
        case Product():
            factors: list[Term] = []
            for factor in map(settled, term.factors):
                factors += factor.factors if isinstance(factor, Product) else [factor]
            factors = [factor for factor in factors if sizes_of(factor) != (1, 1)] or factors[:1]
            return factors[0] if len(factors) == 1 else Product(tuple(factors))
    return term


def runs(term: Term) -> Iterator[Run]:
    """:return: the runs of which the term consists"""
    term = settled(term)
    match term:
        case Run():
            yield term
        case Divided() | Slot():
            yield from runs(term.inner)
        case Joined():
            for part in term.parts:
                yield from runs(part)
        case Product():
            for factor in term.factors:
                yield from runs(factor)


def is_wider(term: Term) -> bool:
    return any(run.old != run.new for run in runs(term))


def tie(a: Term, b: Term) -> None:
    """
    Makes two terms the same.

    :raises Untied: if they cannot be; names the sizes
    """
    a, b = settled(a), settled(b)
    a, b = (term.inner if isinstance(term, Slot) else term for term in (a, b))
    a, b = settled(a), settled(b)
    if a is b:
        return
    if isinstance(a, Divided) and isinstance(b, Divided):
        tie(a.inner, b.inner)
    elif sizes_of(a) != sizes_of(b):
        raise Untied(f"{_shown(a)} and {_shown(b)}")
    elif isinstance(a, Run) and isinstance(b, Run):
        owners = [owner for owner in (a.owner, b.owner) if owner]
        b.owner = min(owners, default=None)
        a.bound = b
    elif isinstance(a, Run) and not isinstance(b, Divided):
        a.bound = b
    elif isinstance(b, Run) and not isinstance(a, Divided):
        b.bound = a
    elif isinstance(a, Joined) and isinstance(b, Joined):
        _tie_parts(a, b)
    elif (
        isinstance(a, Product) and isinstance(b, Product) and [*map(sizes_of, a.factors)] == [*map(sizes_of, b.factors)]
    ):
        for one, other in zip(a.factors, b.factors, strict=True):
            tie(one, other)
    elif is_wider(a) or is_wider(b):
        raise Untied(f"{_shown(a)} and {_shown(b)}, which are divided in different ways")


def _tie_parts(a: Joined, b: Joined) -> None:
    """Ties the parts between boundaries that both have."""
    if a.starts == b.starts and [*map(sizes_of, a.parts)] == [*map(sizes_of, b.parts)]:
        for one, other in zip(a.parts, b.parts, strict=True):
            tie(one, other)
        return
    if _in_order(a) and _in_order(b):
        ends = [_ends(a.parts), _ends(b.parts)]
        common = [end for end in ends[0] if end in ends[1]]
        begin = [0, 0]
        for end in common:
            blocks = []
            for side, parts in enumerate((a.parts, b.parts)):
                stop = ends[side].index(end) + 1
                blocks.append(parts[begin[side] : stop])
                begin[side] = stop
            if min(map(len, blocks)) == 1:
                tie(Joined.of(*blocks[0]), Joined.of(*blocks[1]))
            elif any(is_wider(part) for block in blocks for part in block):
                raise Untied(f"{_shown(a)} and {_shown(b)}, which are divided in different ways")
        return
    if is_wider(a) or is_wider(b):
        raise Untied(f"{_shown(a)} and {_shown(b)}, whose sources are in different orders")


def _in_order(term: Joined) -> bool:
    return Joined.of(*term.parts).starts == term.starts


def _ends(parts: Sequence[Term]) -> list[Sizes]:
    sizes = [sizes_of(part) for part in parts]
    return [(sum(o for o, _ in sizes[: i + 1]), sum(n for _, n in sizes[: i + 1])) for i in range(len(sizes))]


def _shown(term: Term) -> str:
    names = dict.fromkeys(run.name for run in runs(term) if run.name)
    old, new = sizes_of(term)
    return f"{' with '.join(names) or 'an axis'} ({old} → {new})"
