"""The hand-over of parameters at the start of a phase."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

KINDS = ("copied", "grown", "shrunk", "reordered", "initialised", "identity", "dropped")
"""In the order of a summary. Only `copied` keeps all values unchanged."""


@dataclass(frozen=True)
class ParameterChange:
    """
    :param path: path of the parameter
    :param kind: one of `KINDS`
    :param old: shape in the previous phase; None if it did not exist or is unknown
    :param new: shape in this phase; None if it does not exist or is unknown
    :param source: layer that the values come from, if not the parameter's own
    """

    path: str
    kind: str
    old: tuple[int, ...] | None
    new: tuple[int, ...] | None
    source: str | None = None

    @property
    def layer(self) -> str:
        """:return: name of the top-level layer"""
        return self.path.split("/")[0]

    @property
    def num_values(self) -> int | None:
        """:return: size of the array, of the old one if the parameter was dropped; None if unknown"""
        shape = self.new if self.new is not None else self.old
        return None if shape is None else math.prod(shape)


@dataclass(frozen=True)
class HandOver:
    """How the parameters of a phase came about, read from an entry of a training job's `out_growth`.

    :param phase: number of the phase that starts
    :param grown: path → [old shape, new shape]
    :param shapes: path → shape in this phase; missing in the output of older jobs
    :param old_shapes: path → shape in the previous phase; likewise
    For the other parameters see :class:`boulder.training.growth.GrowthReport` and
    :class:`boulder.training.phase.TrainingPhase`.
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
        """:return: whether there were no old parameters, so that neither the mode nor `carry_optimizer` mattered"""
        return not (self.copied or self.grown or self.dropped or self.old_shapes)

    @cached_property
    def kinds(self) -> dict[str, list[ParameterChange]]:
        """:return: kind → its parameters, in the order of the network; kinds without parameters are left out"""
        found = [
            *(self._change(path, "copied", self.shapes.get(path), self.shapes.get(path)) for path in self.copied),
            *(self._change(path, _kind_of(old, new), old, new) for path, (old, new) in self.grown.items()),
            *(self._initialised(path) for path in self.initialised),
            *(ParameterChange(path, "dropped", _shape(self.old_shapes.get(path)), None) for path in self.dropped),
        ]
        return {kind: of_kind for kind in KINDS if (of_kind := [change for change in found if change.kind == kind])}

    @property
    def not_copied(self) -> list[ParameterChange]:
        """:return: all changes of values, grouped by kind"""
        return [change for kind, found in self.kinds.items() if kind != "copied" for change in found]

    @property
    def sources(self) -> list[str]:
        """:return: `lstm1 ← lstm0` for each layer whose values come from another one"""
        taken = {path.split("/")[0]: source.split("/")[0] for path, source in self.taken_from.items()}
        return [f"{layer} ← {source}" for layer, source in taken.items()]

    @property
    def shares(self) -> dict[str, float]:
        """:return: kind → fraction of the values of the new network; {} if a shape is unknown"""
        totals: dict[str, int] = {}
        for kind, found in self.kinds.items():
            sizes = [change.num_values for change in found]
            if kind == "dropped":
                continue
            if None in sizes:
                return {}
            totals[kind] = sum(size for size in sizes if size is not None)
        total = sum(totals.values())
        return {kind: of_kind / total for kind, of_kind in totals.items()} if total else {}

    def _initialised(self, path: str) -> ParameterChange:
        kind = "identity" if path in self.identity else "initialised"
        # If a parameter of this path was dropped, it belonged to another layer of the same name.
        old = None if path in self.dropped else self.old_shapes.get(path)
        return self._change(path, kind, old, self.shapes.get(path))

    def _change(self, path: str, kind: str, old: Sequence[int] | None, new: Sequence[int] | None) -> ParameterChange:
        return ParameterChange(path, kind, _shape(old), _shape(new), self.taken_from.get(path))


def layers_of(changes: Sequence[ParameterChange]) -> list[str]:
    """:return: top-level layers of the parameters, without duplicates"""
    return list(dict.fromkeys(change.layer for change in changes))


def _kind_of(old: Sequence[int], new: Sequence[int]) -> str:
    """:return: kind of a parameter that takes over old values; "shrunk" if any axis loses values"""
    if len(old) == len(new) and any(n < o for o, n in zip(old, new, strict=True)):
        return "shrunk"
    return "reordered" if old == new else "grown"


def _shape(shape: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if shape is None else tuple(shape)
