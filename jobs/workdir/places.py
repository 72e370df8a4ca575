"""Where outputs and aliases are linked: no two in one place, none inside another, and nothing else there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping

from boulder.errors import ConfigError
from jobs.workdir.job_name import name_of
from jobs.workdir.sisyphus_names import alias_prefixes_of, folder_of, is_finished
from sisyphus import Job, gs
from sisyphus.graph import OutputPath, OutputReport, OutputTarget


def check_places(targets: Iterable[OutputTarget], jobs: Iterable[Job]) -> None:
    """
    Find what could not be linked, before the first job runs.

    :raises ConfigError: for two outputs of one name, an output or alias inside another, and a folder where a link is due
    """
    outputs: dict[str, str] = {}
    for target in (target for target in targets if isinstance(target, OutputPath | OutputReport)):
        for place in places_of_output(target):
            source = _source(target)
            if outputs.setdefault(place, source) != source:
                raise ConfigError(
                    f"two outputs are called {target.name!r}: {outputs[place]} and {source}; register one of them under "
                    "another name"
                )
            _check_free(place, f"output {target.name!r}", to_be_file=isinstance(target, OutputReport))
    _check_not_nested(outputs, gs.OUTPUT_DIR, "output")
    aliases: dict[str, str] = {}
    for job in jobs:
        for place in places_of_aliases(job):
            alias = os.path.relpath(place, gs.ALIAS_DIR)
            if aliases.setdefault(place, job.job_id()) != job.job_id():
                warnings.warn(
                    f"two jobs have the alias {alias!r}, which can lead to one of them only: {aliases[place]} and "
                    f"{job.job_id()}",
                    stacklevel=2,
                )
            _check_free(place, f"alias {alias!r}")
    _check_not_nested(aliases, gs.ALIAS_DIR, "alias")


def places_of_output(target: OutputPath | OutputReport) -> list[str]:
    """:return: paths of the links, or of the report, relative to the folder of settings.py"""
    creator = target.required_full_list[0].creator if isinstance(target, OutputPath) else None
    prefixes = alias_prefixes_of(creator) if creator is not None else [""]
    return [os.path.normpath(os.path.join(gs.OUTPUT_DIR, prefix, target.name)) for prefix in prefixes]


def why_not_there(target: OutputPath | OutputReport, place: str) -> str | None:
    """
    :param target: whose job has finished
    :param place: one of `places_of_output`
    :return: why the user cannot read it there; None if all is well
    """
    if isinstance(target, OutputPath):
        made = target.required_full_list[0].get_path()
        if not os.path.exists(made):
            return f"{os.path.relpath(made)} does not exist, although its job has finished: rerun that (boulder rerun)"
        if wrong := _wrong_link(place, made):
            return wrong
    if not os.path.exists(place):
        return "it does not exist; is there space on the disk, and may you write there?"
    return None if os.access(place, os.R_OK) else "you may not read it; change its permissions (chmod)"


def wrong_aliases(jobs: Iterable[Job]) -> dict[str, str]:
    """:return: path of an alias of a finished job → why it does not lead there"""
    found: dict[str, str] = {}
    right: set[str] = set()
    for job in jobs:
        for place in places_of_aliases(job) if is_finished(job) else ():
            if wrong := _wrong_link(place, folder_of(job)):
                found[place] = f"alias of {name_of(job)}: {wrong}"
            else:
                right.add(place)
    return {place: why for place, why in found.items() if place not in right}


def places_of_aliases(job: Job) -> list[str]:
    """:return: paths of the links to the job's folder, relative to the folder of settings.py"""
    return [
        os.path.normpath(os.path.join(gs.ALIAS_DIR, prefix, alias))
        for prefix in alias_prefixes_of(job)
        for alias in sorted(job.get_aliases() or ())
    ]


def _wrong_link(place: str, target: str) -> str | None:
    if os.path.realpath(place) == os.path.realpath(target):
        return None
    expected = f"expected a link to {os.path.relpath(target)}"
    if os.path.islink(place):
        return f"it leads to {os.path.relpath(os.path.realpath(place))}, {expected}; does another config use this name?"
    if os.path.isdir(place):
        return f"it is a folder, {expected}; move it away"
    return f"{'it is a file' if os.path.exists(place) else 'there is nothing'}, {expected}"


def _source(target: OutputPath | OutputReport) -> str:
    """:return: what the output shows, and where the config registers it if that is known"""
    place = getattr(target, "place", "")  # embedded/sisyphus knows it
    paths = ", ".join(os.path.relpath(path.get_path()) for path in target.required_full_list)
    return f"{paths}{f' ({place})' if place else ''}"


def _check_free(place: str, what: str, to_be_file: bool = False) -> None:
    """:raises ConfigError: if something that is no link is in this place, or above it, or a link to nothing above it"""
    if os.path.isdir(place) and not os.path.islink(place):
        raise ConfigError(
            f"{what}: {place} is a folder, perhaps with what an earlier config has linked there; move it away, or choose "
            "another name"
        )
    if os.path.exists(place) and not os.path.islink(place) and not to_be_file:
        raise ConfigError(f"{what}: {place} is a file, and no link; move it away, or choose another name")
    above = os.path.dirname(place)
    while above:
        if os.path.islink(above) and not os.path.exists(above) and not leads_to_a_job(above):
            raise ConfigError(
                f"{what}: {above} is a link to {os.path.realpath(above)}, which does not exist; mount its disk, make the folder, "
                "or remove the link"
            )
        if os.path.exists(above) and not os.path.isdir(above) and not leads_to_a_job(above):
            raise ConfigError(f"{what}: {above} is a file, expected a folder; move it away, or choose another name")
        above = os.path.dirname(above) if os.path.dirname(above) != above else ""


def leads_to_a_job(place: str) -> bool:
    """Whether it is a link of Sisyphus's, which may be replaced."""
    work = os.path.realpath(gs.WORK_DIR)
    return os.path.islink(place) and os.path.realpath(place).startswith(f"{work}{os.sep}")


def _check_not_nested(places: Mapping[str, str], root: str, kind: str) -> None:
    """
    :param places: place → what is linked there
    :raises ConfigError: if one is inside another, since the outer one is a link, and the inner one would be made in a job's folder
    """
    for inner in sorted(places):
        outer = os.path.dirname(inner)
        while outer and outer not in (root, os.path.dirname(outer)):
            if outer in places:
                names = [os.path.relpath(place, root) for place in (inner, outer)]
                raise ConfigError(
                    f"{kind} {names[0]!r} is inside {kind} {names[1]!r}, which is a link and no folder; rename one of them: "
                    f"{places[inner]} or {places[outer]}"
                )
            outer = os.path.dirname(outer)
