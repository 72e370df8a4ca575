"""What became of each parameter where a phase begins."""

import math
from dataclasses import dataclass, field
from functools import cached_property

KINDS = ("copied", "grown", "shrunk", "reordered", "initialised", "identity", "dropped")
"""In the order of a summary. Only `copied` leaves every value as it was."""


@dataclass(frozen=True)
class Change:
    """
    :param path: of the parameter
    :param kind: one of `KINDS`
    :param old: its shape in the phase before; None: it was not there, or is not known
    :param new: its shape now; None: it is not there any more, or is not known
    :param source: the layer that its values come from, where that is another than its own
    """

    path: str
    kind: str
    old: tuple[int, ...] | None
    new: tuple[int, ...] | None
    source: str | None = None

    @property
    def layer(self) -> str:
        """:return: the layer of the top level"""
        return self.path.split("/")[0]

    @property
    def values(self) -> int | None:
        """:return: how many numbers it has, or had; None: not known"""
        shape = self.new if self.new is not None else self.old
        return None if shape is None else math.prod(shape)


@dataclass(frozen=True)
class HandOver:
    """How the parameters of a phase came from the phase before, as `out_growth` of a training job tells it.

    :param phase: the phase that begins
    :param grown: path → [old shape, new shape]
    :param shapes: path → shape in this phase; older jobs do not tell it
    :param old_shapes: path → shape in the phase before
    For the others see :class:`boulder.training.growth.GrowthReport` and :class:`boulder.training.phase.TrainingPhase`.
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
        """:return: whether there was nothing to take over, so that neither the mode nor the optimizer matter"""
        return not (self.copied or self.grown or self.dropped or self.old_shapes)

    @cached_property
    def kinds(self) -> dict[str, list[Change]]:
        """:return: kind → its parameters as they follow in the network; kinds that there are none of are left out"""
        found = [
            *(self._change(path, "copied", self.shapes.get(path), self.shapes.get(path)) for path in self.copied),
            *(self._change(path, _kind_of(*shapes), *shapes) for path, shapes in self.grown.items()),
            *(self._initialised(path) for path in self.initialised),
            *(Change(path, "dropped", _shape(self.old_shapes.get(path)), None) for path in self.dropped),
        ]
        return {kind: of_kind for kind in KINDS if (of_kind := [change for change in found if change.kind == kind])}

    @property
    def not_copied(self) -> list[Change]:
        """:return: what a reader looks for first, those of a kind together"""
        return [change for kind, found in self.kinds.items() if kind != "copied" for change in found]

    @property
    def sources(self) -> list[str]:
        """:return: `lstm1 ← lstm0` for each layer whose values come from another"""
        taken = {path.split("/")[0]: source.split("/")[0] for path, source in self.taken_from.items()}
        return [f"{layer} ← {source}" for layer, source in taken.items()]

    @property
    def shares(self) -> dict[str, float]:
        """:return: kind → its part of the values of the new network; {} where these are not known"""
        counts = {kind: [change.values for change in found] for kind, found in self.kinds.items() if kind != "dropped"}
        if any(None in values for values in counts.values()):
            return {}
        total = sum(map(sum, counts.values()))
        return {kind: sum(values) / total for kind, values in counts.items()} if total else {}

    def _initialised(self, path: str) -> Change:
        kind = "identity" if path in self.identity else "initialised"
        # One of the same path that was dropped is another parameter: the layer's name was given anew.
        old = None if path in self.dropped else self.old_shapes.get(path)
        return self._change(path, kind, old, self.shapes.get(path))

    def _change(self, path, kind, old, new) -> Change:
        return Change(path, kind, _shape(old), _shape(new), self.taken_from.get(path))


def layers_of(changes: list[Change]) -> list[str]:
    """:return: the layers of some parameters, each once"""
    return list(dict.fromkeys(change.layer for change in changes))


def _kind_of(old: list[int], new: list[int]) -> str:
    """:return: what a parameter that takes old values, but not as they were, is called: what is lost is said first"""
    if len(old) == len(new) and any(n < o for o, n in zip(old, new, strict=True)):
        return "shrunk"
    return "reordered" if old == new else "grown"


def _shape(shape: list[int] | None) -> tuple[int, ...] | None:
    return None if shape is None else tuple(shape)
