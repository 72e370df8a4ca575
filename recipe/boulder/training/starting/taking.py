"""`take_parameters`: the parameters of a network from checkpoint files. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy

from boulder.counted import counted
from boulder.errors import CheckpointError, ConfigError, nearest
from boulder.network import NetworkSpec, ParamSpec
from boulder.network.params import variable_scope
from boulder.training.growth import GrowthOptions, grow
from boulder.training.starting.layouts import Origin, other_layout
from boulder.training.starting.parameter_file import ParameterFile
from boulder.training.starting.source import Source

NOT_PARAMETERS = ("global_step",)
"""Names in RETURNN's files that are no parameters."""


@dataclass
class Taken:
    """
    :param values: path → array, of the parameters that were taken
    :param origins: path → where it was taken from
    :param initialised: paths of the parameters that keep their initial values
    :param step: number of training steps so far
    :param notes: lines for the user
    """

    values: dict[str, numpy.ndarray] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    initialised: list[str] = field(default_factory=list)
    step: int = 0
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """:return: what was taken from where, for the log"""
        return [
            *(f"{path} ← {origin}" for path, origin in self.origins.items()),
            *self.notes,
            f"{counted(len(self.values), 'parameter')} taken, {len(self.initialised)} initialised"
            + (f": {', '.join(self.initialised)}" if self.initialised else ""),
        ]


def take_parameters(
    sources: Sequence[tuple[Source, ParameterFile]],
    network: NetworkSpec,
    fresh: Callable[[ParamSpec], numpy.ndarray],
) -> Taken:
    """
    :param sources: a parameter is taken from the first of them that has it
    :param network: the network whose parameters are taken
    :param fresh: returns the initial value of a parameter, for importers
    :raises CheckpointError: names the parameters that a file lacks, and those of another shape with both shapes
    :raises ConfigError: for a source that fits no parameter
    """
    taken = Taken()
    for source, file in sources:
        _take(source, file, network, fresh, taken)
        if source.keep_step:
            taken.step = file.step or 0
    taken.initialised = [path for path in network.params if path not in taken.values]
    return taken


def check_sources(sources: Sequence[tuple[Source, ParameterFile]], network: NetworkSpec) -> None:
    """Raises the errors of `take_parameters`. The files may be `without_values`; functions as importers are not called."""
    if any(callable(spec.layer.custom_param_importer) for spec in network.layers.values()):
        return
    take_parameters(sources, network, lambda spec: numpy.broadcast_to(numpy.zeros((), spec.dtype), spec.shape))


def _take(
    source: Source,
    file: ParameterFile,
    network: NetworkSpec,
    fresh: Callable[[ParamSpec], numpy.ndarray],
    taken: Taken,
) -> None:
    specs = network.params
    names = _names(source, file, specs)
    for name in source.var_name_mapping:
        if name not in names.values():
            taken.notes.append(
                f"{file.path}: var_name_mapping: {name!r} is no parameter of the network, so has no effect"
            )
    wanted = {path: name for path, name in names.items() if path not in taken.values}
    unused = set(file.shapes) - set(names.values())
    by_importer = _take_by_importers(source, file, network, wanted, fresh, taken)
    wanted = {path: name for path, name in wanted.items() if path not in by_importer}
    found = {path: origin for path, name in wanted.items() if (origin := _origin(name, source, file, unused))}
    missing = [path for path in wanted if path not in found]
    values: dict[str, numpy.ndarray] = {}
    misfits: list[str] = []
    for path, origin in found.items():
        value = _converted(origin, file)
        if value is None or value.shape != specs[path].shape:
            shapes = " and ".join(str(file.shapes[name]) for name in origin.names)
            misfits.append(f"{path!r} has the shape {specs[path].shape} in the network and {shapes} in the file")
        else:
            values[path] = value.astype(specs[path].dtype, copy=False)
    if misfits or (missing and not source.ignore_missing):
        raise CheckpointError(f"checkpoint {file.path}: {'; '.join([*misfits, *_told(missing, source, file, names)])}")
    if wanted and not values:
        raise CheckpointError(
            f"checkpoint {file.path}: holds none of the {counted(len(wanted), 'parameter')} that are to be taken from it"
            f"{nearest(next(iter(wanted.values())), file.shapes, 'its names are like')}"
        )
    taken.values |= values
    read = {name for origin in found.values() for name in origin.names}
    for path, origin in found.items():
        taken.origins[path] = f"{file.path}: {' and '.join(origin.names)}"
        if origin.note:
            taken.notes.append(f"{path}: made from {' and '.join(origin.names)}; {origin.note}")
    if rest := sorted(unused - read - set(NOT_PARAMETERS)):
        taken.notes.append(
            f"{file.path}: {counted(len(rest), 'further array is', 'further arrays are')} not used: {', '.join(rest)}"
        )


def _names(source: Source, file: ParameterFile, specs: Mapping[str, ParamSpec]) -> dict[str, str]:
    """
    :return: path → name in the file, of the parameters that the source is for
    :raises ConfigError: if there are none
    """
    names = {path: name for path in specs if (name := source.name(path)) is not None}
    if not names:
        layers = {path[: end + 1] for path in specs for end, letter in enumerate(path) if letter == "/"}
        why = f"prefix {source.prefix!r}" if not any(source.prefix in path for path in specs) else "'ignore_params'"
        near = nearest(source.prefix, layers) if source.prefix else ""
        raise ConfigError(f"checkpoint {file.path}: {why} leaves none of the network's parameters{near}")
    return names


def _origin(name: str, source: Source, file: ParameterFile, unused: Collection[str]) -> Origin | None:
    """:return: how to make the parameter from arrays in the file; None if there is no way"""
    if name in file.shapes:
        return Origin((name,))
    if name in source.var_name_mapping:
        mapped = source.var_name_mapping[name]
        return Origin((mapped,)) if mapped in file.shapes else None
    return other_layout(name, unused)


def _converted(origin: Origin, file: ParameterFile) -> numpy.ndarray | None:
    """:return: the parameter; None if the arrays in the file have unexpected shapes"""
    try:
        return origin.convert(*map(file.read, origin.names))
    except (ValueError, IndexError):  # cannot be split or joined
        return None


def _told(missing: Sequence[str], source: Source, file: ParameterFile, names: Mapping[str, str]) -> list[str]:
    if not missing or source.ignore_missing:
        return []
    mapped = {
        name: source.var_name_mapping[name] for path in missing if (name := names[path]) in source.var_name_mapping
    }
    if mapped:
        name, wrong = next(iter(mapped.items()))
        near = nearest(wrong, file.shapes)
        return [f"var_name_mapping maps {name!r} to {wrong!r}, which is not in the file{near}"]
    near = nearest(names[missing[0]], file.shapes, "is it named") if len(missing) == 1 else ""
    return [
        f"has no {', '.join(repr(names[path]) for path in missing)}{near}; expected all parameters, or 'ignore_missing' "
        "to initialise those that are missing"
    ]


def _take_by_importers(
    source: Source,
    file: ParameterFile,
    network: NetworkSpec,
    wanted: Mapping[str, str],
    fresh: Callable[[ParamSpec], numpy.ndarray],
    taken: Taken,
) -> set[str]:
    """
    Takes the parameters of the top-level layers that have a `custom_param_importer`. None of them can be missing.

    :return: paths of all their parameters
    """
    if not source.use_importers:
        return set()
    importing = [spec.name for spec in network.layers.values() if spec.layer.custom_param_importer is not None]
    scopes = tuple(f"{variable_scope(name)}/" for name in importing if "/" not in name)
    specs = {path: network.params[path] for path in wanted if path.startswith(scopes)}
    old = {path: file.read(path) for path in specs if path in file.shapes}
    if old:
        old_specs = {path: replace(specs[path], shape=array.shape, splits=()) for path, array in old.items()}
        values, report = grow(old, old_specs, specs, fresh, None, GrowthOptions(network=network))
        taken.values |= values
        taken.origins |= dict.fromkeys(values, f"{file.path}, by custom_param_importer")
        taken.notes.append(f"by custom_param_importer: {report}")
    return set(specs)
