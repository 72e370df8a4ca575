"""The report of growth, for the log, the job's `out_growth` and the HTML report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from boulder.counted import counted


@dataclass
class GrowthReport:
    """How each parameter came about, by path.

    :param copied: copied unchanged, with the same shape
    :param grown: path → (old shape, new shape); old values fill all or part of the array, or are in another order
    :param shrunk: the part of `grown` with an axis that is shorter than before
    :param initialised: new, or of another shape and not grown
    :param dropped: only in the old network
    :param taken_from: path → layer that the values come from, if it is not the parameter's own
    :param identity: the part of `initialised` that turns new layers between old ones into the identity
    :param by_function: set by a function, in addition to the list above that names them; not known in advance
    :param mode: mode of the layers without one of their own
    :param shapes: path → shape, for all parameters of the new network
    :param old_shapes: path → shape, for all parameters of the old network
    """

    copied: list[str] = field(default_factory=list)
    grown: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    shrunk: list[str] = field(default_factory=list)
    initialised: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    taken_from: dict[str, str] = field(default_factory=dict)
    identity: list[str] = field(default_factory=list)
    by_function: list[str] = field(default_factory=list)
    mode: str = field(default="ifpossible", compare=False)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict, compare=False)
    old_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        shrunk = f" ({len(self.shrunk)} of them shrunk)" if self.shrunk else ""
        more = f", {len(self.taken_from)} of them from another layer" if self.taken_from else ""
        identity = f" ({len(self.identity)} of them as identity)" if self.identity else ""
        by_function = f", {len(self.by_function)} set by a function" if self.by_function else ""
        return (
            f"{counted(len(self.copied), 'parameter')} copied, {len(self.grown)} grown{shrunk}{more}, "
            f"{len(self.initialised)} initialised{identity}, {len(self.dropped)} dropped{by_function}"
        )
