"""Differences between two net dicts, for phase tables and messages."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.schedule.comparing import same_value


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()
"""Stands for the value of a missing option."""


@dataclass(frozen=True)
class Changes:
    """The layers that differ between two net dicts, in the order of the net dicts."""

    added: list[str]
    removed: list[str]
    changed: dict[str, dict[str, tuple[object, object]]]
    """Layer → option → (old, new), each of which may be `ABSENT`. Options inside a subnetwork have paths as names, such
    as `unit/stop_token/loss_scale`."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """:return: e.g. `+lstm2 -dropout ~lstm1(n_out 4→8)`"""
        changed = [
            f"~{layer}({', '.join(f'{option} {old!r}→{new!r}' for option, (old, new) in options.items())})"
            for layer, options in self.changed.items()
        ]
        return " ".join([f"+{name}" for name in self.added] + [f"-{name}" for name in self.removed] + changed)


def changes(old: dict, new: dict) -> Changes:
    """
    :param old: a net dict; `#` keys at its top level are ignored
    :param new: the net dict of the next phase
    """
    old, new = ({name: layer for name, layer in net.items() if not name.startswith("#")} for net in (old, new))
    changed = {name: _options(old[name], new[name], "") for name in new if name in old}
    return Changes(
        added=[name for name in new if name not in old],
        removed=[name for name in old if name not in new],
        changed={name: options for name, options in changed.items() if options},
    )


def _options(old: dict, new: dict, prefix: str) -> dict[str, tuple[object, object]]:
    result: dict[str, tuple[object, object]] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        a, b = old.get(key, ABSENT), new.get(key, ABSENT)
        if isinstance(a, dict) and isinstance(b, dict):
            result.update(_options(a, b, f"{prefix}{key}/"))
        elif not same_value(a, b):
            result[f"{prefix}{key}"] = (a, b)
    return result
