"""What growth did, for the log, the job's `out_growth` and the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class GrowthReport:
    """What became of each parameter, by path.

    :param copied: same shape, taken over as it was
    :param grown: path → (old shape, new shape); old values fill it or a part of it, or stand in another order
    :param shrunk: those of `grown` that have lost something: an axis is shorter than it was
    :param initialised: new, or of another shape and not grown
    :param dropped: in the old network only
    :param taken_from: path → layer that the values come from, where that is another than the parameter's own
    :param identity: those of `initialised` that make new layers between old ones the identity
    :param by_function: those that a function has set, wherever else they are named; not known in advance
    :param mode: how it was done, where a layer does not say otherwise
    :param shapes: path → shape, of all parameters of the new network
    :param old_shapes: the same of the old one
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

    def to_json(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        shrunk = f" ({len(self.shrunk)} of them shrunk)" if self.shrunk else ""
        more = f", {len(self.taken_from)} of them from another layer" if self.taken_from else ""
        identity = f" ({len(self.identity)} of them as identity)" if self.identity else ""
        by_function = f", {len(self.by_function)} set by a function" if self.by_function else ""
        return (
            f"{len(self.copied)} parameters copied, {len(self.grown)} grown{shrunk}{more}, "
            f"{len(self.initialised)} initialised{identity}, {len(self.dropped)} dropped{by_function}"
        )
