"""Growth: the parameters of one phase's network become those of the next. NumPy only.

Old and new parameters belong together if they have the same layer and the same name within it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import numpy

from boulder.errors import ConfigError, nearest
from boulder.network.params import ParamSpec
from boulder.schedule import COPY_PARAM_MODES


@dataclass
class GrowthReport:
    """What became of each parameter, by path.

    :param copied: same shape, taken over as it was
    :param grown: path → (old shape, new shape); the old values fill a part of it
    :param initialised: new, or of another shape and not grown
    :param dropped: in the old network only
    """

    copied: list[str] = field(default_factory=list)
    grown: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    initialised: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def to_json(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{len(self.copied)} parameters copied, {len(self.grown)} grown, "
            f"{len(self.initialised)} initialised, {len(self.dropped)} dropped"
        )


def check_mode(mode: str | None, where: str) -> None:
    """:raises ConfigError: if there is no such mode"""
    if mode is not None and mode not in COPY_PARAM_MODES:
        raise ConfigError(f"{where}: unknown copy_param_mode {mode!r}{nearest(str(mode), COPY_PARAM_MODES)}")


def plan_growth(
    old_specs: Mapping[str, ParamSpec], new_specs: Mapping[str, ParamSpec], mode: str | None = None
) -> GrowthReport:
    """
    What `grow` will do, told without any arrays: the manager asks before it submits a job.

    :param mode: "ifpossible" (also what None means) copies what has kept its shape; "subset" also puts old values into
        parameters of another shape, as RETURNN's `LayerBase.set_param_values_by_dict`; "reset" copies nothing
    :raises ConfigError: for another mode, and for an axis that cannot have been split as the new one is
    """
    check_mode(mode, "growth")
    old_by_name = _by_name(old_specs)
    report = GrowthReport()
    for path, spec in new_specs.items():
        old = old_by_name.pop((spec.layer, spec.name), None)
        if old is None or mode == "reset":
            report.initialised.append(path)
        elif old.shape == spec.shape:
            report.copied.append(path)
        elif mode == "subset" and len(old.shape) == len(spec.shape):
            try:
                guess_old_splits(_splits(spec), old.shape)
            except ConfigError as error:
                raise ConfigError(f"growth of parameter {path!r} from {old.shape} to {spec.shape}: {error}") from None
            report.grown[path] = (old.shape, spec.shape)
        else:
            report.initialised.append(path)
    report.dropped = [spec.path for spec in old_by_name.values()]
    return report


def grow(
    old: Mapping[str, numpy.ndarray],
    old_specs: Mapping[str, ParamSpec],
    new_specs: Mapping[str, ParamSpec],
    fresh: Callable[[ParamSpec], numpy.ndarray],
    mode: str | None = None,
) -> tuple[dict[str, numpy.ndarray], GrowthReport]:
    """
    :param old: path → array
    :param fresh: gives the initial value of a parameter
    :param mode: see `plan_growth`
    :return: path → array for all of `new_specs`, and what was done
    """
    report = plan_growth(old_specs, new_specs, mode)
    old_by_name = _by_name(old_specs)
    values = {path: fresh(new_specs[path]) for path in report.initialised}
    for path in (*report.copied, *report.grown):
        spec = new_specs[path]
        value = old[old_by_name[spec.layer, spec.name].path]
        values[path] = value if path not in report.grown else subset(value, fresh(spec), _splits(spec))
    return values, report


def _by_name(specs: Mapping[str, ParamSpec]) -> dict[tuple[str, str], ParamSpec]:
    return {(spec.layer, spec.name): spec for spec in specs.values()}


def _splits(spec: ParamSpec) -> tuple[tuple[int, ...], ...]:
    return spec.returnn_splits or tuple((size,) for size in spec.shape)


def subset(old: numpy.ndarray, fresh: numpy.ndarray, splits: tuple[tuple[int, ...], ...]) -> numpy.ndarray:
    """
    Each part of the new array gets, at its beginning, as much of the same part of the old one as there is and as fits.
    (RETURNN: `copy_with_new_split_axes`.)

    :param old: array of any shape with as many axes as `fresh`
    :param fresh: initial values of the new array
    :param splits: per axis of `fresh`, the sizes of its parts
    :return: array of `fresh`'s shape
    """
    result = fresh.copy()
    old_splits = guess_old_splits(splits, old.shape)
    per_axis = [
        list(zip(_slices(old_parts, new_parts, old_parts), _slices(old_parts, new_parts, new_parts), strict=True))
        for old_parts, new_parts in zip(old_splits, splits, strict=True)
    ]
    for pairs in itertools.product(*per_axis):
        result[tuple(new for _, new in pairs)] = old[tuple(source for source, _ in pairs)]
    return result


def _slices(old_parts, new_parts, parts) -> list[slice]:
    """:return: the beginning of each of `parts`, as long as both its old and its new form are"""
    starts = itertools.accumulate(parts, initial=0)
    return [slice(at, at + min(a, b)) for at, a, b in zip(starts, old_parts, new_parts, strict=False)]


def guess_old_splits(splits: tuple[tuple[int, ...], ...], old_shape: tuple[int, ...]) -> list[list[int]]:
    """
    How the old array was split, judged by how the new one is. The rule is RETURNN's
    (`transform_param_axes_split_info_to_new_shape`): an axis of one part, or of equal parts that its old size can be
    divided into, tells what became of a part of that size; the parts of other axes are looked up in that; of those that
    are not found all but the last are taken as unchanged, and the last gets what remains; if all are found and do not
    add up, the first one is made to fit.

    :param splits: per axis of the new array, the sizes of its parts
    :param old_shape: sizes of the old array
    :return: per axis of the old array, the sizes of its parts
    :raises ConfigError: if that would make a part negative (RETURNN stops there, or copies wrong rows)
    """
    old_size_of = {}  # size of a new part → size of the old one
    for old_size, parts in zip(old_shape, splits, strict=True):
        if len(set(parts)) == 1 and old_size % len(parts) == 0:
            old_size_of[parts[0]] = old_size // len(parts)
    result = []
    for old_size, parts in zip(old_shape, splits, strict=True):
        guess = [old_size_of.get(part) for part in parts] if len(parts) > 1 else [old_size]
        unknown = [i for i, part in enumerate(guess) if part is None]
        for i in unknown[:-1]:
            guess[i] = min(parts[i], old_size - sum(part or 0 for part in guess))
        if unknown:
            guess[unknown[-1]] = old_size - sum(part or 0 for part in guess)
        elif sum(guess) != old_size:
            guess[0] = old_size - sum(guess[1:])
        if min(guess) < 0:
            raise ConfigError(
                f"an axis of size {old_size} cannot have been split as the new one is, {list(parts)}; "
                "use copy_param_mode 'ifpossible'"
            )
        result.append(guess)
    return result
