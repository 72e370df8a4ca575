"""How each parameter was carried over from the phase before."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

KINDS = ("copied", "grown", "shrunk", "reordered", "initialised", "identity", "dropped")
"""In the order of a summary. Only `copied` keeps every value."""


@dataclass(frozen=True)
class Change:
    """
    :param path: path of the parameter
    :param kind: one of `KINDS`
    :param old: its shape in the phase before; None: absent or unknown
    :param new: its shape in this phase; None: absent or unknown
    :param source: the layer that its values come from, if it is not its own layer
    """

    path: str
    kind: str
    old: tuple[int, ...] | None
    new: tuple[int, ...] | None
    source: str | None = None

    @property
    def layer(self) -> str:
        """:return: its layer at the top level"""
        return self.path.split("/")[0]

    @property
    def values(self) -> int | None:
        """:return: number of its elements, before it was dropped if it was; None: unknown"""
        shape = self.new if self.new is not None else self.old
        return None if shape is None else math.prod(shape)


@dataclass(frozen=True)
class HandOver:
    """How the parameters of a phase were carried over from the phase before, read from `out_growth` of a training job.

    For fields that are not listed see `boulder.training.growth.GrowthReport` and `boulder.training.phase.TrainingPhase`.

    :param phase: number of the phase that begins
    :param grown: path → [old shape, new shape]
    :param shapes: path → shape in this phase; absent in older jobs
    :param old_shapes: path → shape in the phase before
    """

    phase: int
    copied: list[str]
    grown: dict[str, list[list[int]]]
    initialised: list[str]
    dropped: list[str]
    taken_from: dict[str, str] = field(default_factory=dict)
    identity: list[str] = field(default_factory=list)
    shapes: dict[str, list[int]] = field(default_factory=dict)
    old_shapes: dict[str, list[int]] = field(default_factory=dict)
    mode: str | None = None
    carry_optimizer: str | None = None

    @property
    def is_first(self) -> bool:
        """:return: whether there was nothing to carry over, so that mode and optimizer have no effect"""
        return not (self.copied or self.grown or self.dropped or self.old_shapes)

    @cached_property
    def kinds(self) -> dict[str, list[Change]]:
        """:return: kind → its parameters in network order; kinds without parameters are left out"""
        found = [
            *(self._change(path, "copied", self.shapes.get(path), self.shapes.get(path)) for path in self.copied),
            *(self._change(path, _kind_of(*shapes), *shapes) for path, shapes in self.grown.items()),
            *(self._initialised(path) for path in self.initialised),
            *(Change(path, "dropped", _shape(self.old_shapes.get(path)), None) for path in self.dropped),
        ]
        return {kind: of_kind for kind in KINDS if (of_kind := [change for change in found if change.kind == kind])}

    @property
    def not_copied(self) -> list[Change]:
        """:return: all other parameters, grouped by kind"""
        return [change for kind, found in self.kinds.items() if kind != "copied" for change in found]

    @property
    def sources(self) -> list[str]:
        """:return: `lstm1 ← lstm0` for each layer whose values come from another layer"""
        taken = {path.split("/")[0]: source.split("/")[0] for path, source in self.taken_from.items()}
        return [f"{layer} ← {source}" for layer, source in taken.items()]

    @property
    def shares(self) -> dict[str, float]:
        """:return: kind → its share of the elements of the new network; {} if unknown"""
        kinds = {kind: found for kind, found in self.kinds.items() if kind != "dropped"}
        if any(change.values is None for found in kinds.values() for change in found):
            return {}
        counts = {kind: sum(change.values or 0 for change in found) for kind, found in kinds.items()}
        total = sum(counts.values())
        return {kind: count / total for kind, count in counts.items()} if total else {}

    def _initialised(self, path: str) -> Change:
        kind = "identity" if path in self.identity else "initialised"
        # A dropped parameter with the same path is a different one: another layer has taken the name.
        old = None if path in self.dropped else self.old_shapes.get(path)
        return self._change(path, kind, old, self.shapes.get(path))

    def _change(self, path: str, kind: str, old: list[int] | None, new: list[int] | None) -> Change:
        return Change(path, kind, _shape(old), _shape(new), self.taken_from.get(path))


def layers_of(changes: list[Change]) -> list[str]:
    """:return: the layers of the parameters, without duplicates"""
    return list(dict.fromkeys(change.layer for change in changes))


def _kind_of(old: list[int], new: list[int]) -> str:
    """:return: "shrunk" if any axis got shorter, "reordered" if the shape stayed, otherwise "grown\""""
    if len(old) == len(new) and any(n < o for o, n in zip(old, new, strict=True)):
        return "shrunk"
    return "reordered" if old == new else "grown"


def _shape(shape: list[int] | None) -> tuple[int, ...] | None:
    return None if shape is None else tuple(shape)
