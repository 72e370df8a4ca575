"""Folders of jobs that no config needs: those of earlier edits, and those that reruns have moved aside."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from jobs.workdir.config_records import ConfigRecord
from jobs.workdir.job_files import read_text
from jobs.workdir.job_state import Judge
from jobs.workdir.sisyphus_names import job_of_folder
from sisyphus import gs

_REMOVING = ".removing"
_ASIDE = re.compile(rf"(?:\.cleared\.\d+|{re.escape(_REMOVING)})+$")
"""After the id of a job: set aside by Sisyphus or by `boulder rerun`; or by us, halfway through its removal."""
_BLOCK = 512  # bytes, the unit of st_blocks


@dataclass(frozen=True)
class Leftover:
    """
    :param folder: relative to the folder of settings.py
    :param job: id of its job
    :param name: the alias under which the job was known, or its class
    :param config: that needed it; "" for none that is recorded
    :param size: in bytes on the disk; None: not measured
    :param kept: why it is not removed; "" if nothing speaks against it
    """

    folder: str
    job: str
    name: str
    config: str = ""
    size: int | None = None
    kept: str = ""


def left_over(records: Mapping[str, ConfigRecord], configs: Collection[str] | None = None) -> list[Leftover]:
    """
    :param records: of all configs
    :param configs: only what these have left over; None: all
    :return: existing folders that no config needs any more, sorted
    """
    needed = {job for record in records.values() for job in record.jobs}
    owners: dict[str, str] = {}
    for name, record in records.items():
        if configs is None or name in configs:
            owners |= dict.fromkeys([*record.former, *record.jobs], name)
    found = []
    for job, owner in owners.items():
        if job not in needed and os.path.lexists(_folder(job)):
            found.append(Leftover(_folder(job), job, _name(_folder(job), job), owner))
    found += [Leftover(folder, job, _name(folder, job), owners[job]) for folder, job in _set_aside(owners)]
    return sorted(found, key=lambda leftover: leftover.folder)


def unknown_folders(records: Mapping[str, ConfigRecord]) -> list[Leftover]:
    """:return: folders of jobs that none of the configs has ever needed, sorted"""
    known = {job for record in records.values() for job in (*record.jobs, *record.former)}
    found = []
    for folder in _all_folders(gs.WORK_DIR, set()):
        job = os.path.relpath(_ASIDE.sub("", folder), gs.WORK_DIR)
        if job not in known:
            found.append(Leftover(folder, job, _name(folder, job)))
    return sorted(found, key=lambda leftover: leftover.folder)


def with_reasons(found: Iterable[Leftover], links: Iterable[str]) -> list[Leftover]:
    """
    :param links: folders whose links lead to results that stay: output/, and alias/ for jobs of which no config is known
    :return: the same, with the reasons for which some are kept: they run, or a link leads to them or to what was made of them
    """
    found = list(found)
    jobs = {leftover.job: job_of_folder(leftover.job) for leftover in found}
    judge, linked, result = Judge(list(jobs.values())), _linked(links), []
    for leftover in found:
        aside = leftover.folder != _folder(leftover.job)
        alive = None if aside else judge.alive(jobs[leftover.job])
        real = os.path.realpath(leftover.folder)
        if alive:
            leftover = replace(leftover, kept=f"{alive.name} ({alive.where})" if alive.where else alive.name)
        elif real in linked:
            leftover = replace(leftover, kept=f"{linked[real]} leads to it")
        result.append(leftover)
    return result


def measured(found: Iterable[Leftover], seconds: float | None = None) -> list[Leftover]:
    """
    :param seconds: after which measuring ends; None: never
    :return: the same, with their sizes as far as there was time
    """
    end = None if seconds is None else time.monotonic() + seconds
    result, seen = [*found], set[tuple[int, int]]()
    with contextlib.suppress(TimeoutError):
        for number, leftover in enumerate(result):
            result[number] = replace(leftover, size=_size(leftover.folder, seen, end))
    return result


def remove(leftover: Leftover) -> None:
    """
    Delete a folder; of a link to another work directory, the link. Interrupted halfway, what is left counts as left over.

    :raises OSError: if that is not possible
    """
    if os.path.islink(leftover.folder):
        os.unlink(leftover.folder)
        return
    aside = f"{leftover.folder.removesuffix(_REMOVING)}{_REMOVING}"
    os.rename(leftover.folder, aside)  # a job whose folder has lost files must not seem finished
    shutil.rmtree(aside)


def remove_aliases_of(removed: Iterable[Leftover]) -> None:
    """Delete the links in alias/ that led to removed folders, and the folders that are empty then."""
    work = os.path.realpath(gs.WORK_DIR)
    gone = {os.path.join(work, os.path.relpath(leftover.folder, gs.WORK_DIR)) for leftover in removed}
    for above, names, files in os.walk(gs.ALIAS_DIR, topdown=False):
        links = [os.path.join(above, name) for name in [*names, *files]]
        mine = [link for link in links if os.path.islink(link) and os.path.realpath(link) in gone]
        for link in mine:
            os.unlink(link)
        if mine and not os.listdir(above):
            os.rmdir(above)


def _name(folder: str, job: str) -> str:
    prefix = "ALIAS: "
    lines = (read_text(job_of_folder(os.path.relpath(folder, gs.WORK_DIR)), gs.JOB_INFO) or "").splitlines()
    aliases = sorted(line.removeprefix(prefix) for line in lines if line.startswith(prefix))
    known = aliases[0] if aliases else job.rpartition("/")[2].partition(".")[0]
    return known if folder == _folder(job) else f"{known}, set aside"


def _folder(job: str) -> str:
    return f"{gs.WORK_DIR}/{job}"


def _set_aside(jobs: Collection[str]) -> Iterator[tuple[str, str]]:
    """:return: (folder, job id)"""
    for parent in sorted({os.path.dirname(job) for job in jobs}):
        for name in os.listdir(_folder(parent)) if os.path.isdir(_folder(parent)) else ():
            job = os.path.join(parent, _ASIDE.sub("", name))
            if job in jobs and os.path.basename(job) != name:
                yield _folder(os.path.join(parent, name)), job


def _all_folders(folder: str, seen: set[str]) -> Iterator[str]:
    """:return: folders of jobs, also set aside ones and links"""
    real = os.path.realpath(folder)
    if real in seen or not os.path.isdir(folder):
        return
    seen.add(real)
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if _is_of_job(path):
            yield path
        elif not name.startswith("."):
            yield from _all_folders(path, seen)


def _linked(folders: Iterable[str]) -> dict[str, str]:
    """:return: real path of the folder of a job → a link that leads into it, or into the folder of a job that was made of it"""
    work = os.path.realpath(gs.WORK_DIR)
    found: dict[str, str] = {}
    for folder in folders:
        for above, names, files in os.walk(folder):
            for name in [*names, *files]:
                link = os.path.join(above, name)
                if os.path.islink(link):
                    _add_linked(os.path.realpath(link), link, work, found)
    return found


def _add_linked(target: str, link: str, work: str, found: dict[str, str]) -> None:
    """Enter the job's folder that `target` is in, and those of its inputs."""
    inside = os.path.relpath(target, work).split(os.sep)
    above = (os.path.join(work, *inside[:number]) for number in range(1, len(inside) + 1))
    job = next((folder for folder in above if inside[0] != os.pardir and _is_of_job(folder)), None)
    if job is None or job in found:
        return
    found[job] = link
    inputs = os.path.join(job, gs.JOB_INPUT)
    for name in os.listdir(inputs) if os.path.isdir(inputs) else ():
        _add_linked(os.path.realpath(os.path.join(inputs, name)), link, work, found)


def _is_of_job(folder: str) -> bool:
    return any(os.path.lexists(f"{folder}/{mark}") for mark in (gs.JOB_SAVE, gs.JOB_FINISHED_ARCHIVE))


def _size(path: str, seen: set[tuple[int, int]], end: float | None) -> int:
    """
    :param seen: files counted already, since a checkpoint may have several names
    :param end: of the time for it
    :return: bytes on the disk; 0 for what has vanished
    :raises TimeoutError: if there was no time
    """
    if end is not None and time.monotonic() > end:
        raise TimeoutError
    try:
        found = os.lstat(path)
        inside = os.listdir(path) if stat.S_ISDIR(found.st_mode) else []
    except OSError:
        return 0
    if (found.st_dev, found.st_ino) in seen:
        return 0
    seen.add((found.st_dev, found.st_ino))
    return found.st_blocks * _BLOCK + sum(_size(f"{path}/{name}", seen, end) for name in inside)
