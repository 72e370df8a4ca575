"""`boulder clean`: lists the folders of jobs that no config needs any more, and removes them when told to."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from boulder import strict_json
from boulder.counted import counted
from boulder.errors import BoulderError, ConfigError
from boulder.report import formatting
from jobs.commands.config_name import check_folder, config_identity
from jobs.commands.opened_config import lay_out_config
from jobs.jobs_of_configs import needed_jobs, will_lay_out_more
from jobs.workdir.config_records import ConfigRecord, read_records, write_records
from jobs.workdir.left_over import (
    Leftover,
    left_over,
    measured,
    remove,
    remove_aliases_of,
    unknown_folders,
    with_reasons,
)
from jobs.workdir.work_lock import lock_work_directory, manager_at_work
from sisyphus import gs

_SECONDS_OF_STATUS = 0.2


def clean(
    configs: Sequence[str], console: Console, *, removes: bool = False, unknown: bool = False, as_json: bool = False
) -> int:
    """
    :param configs: whose former jobs are listed, after these configs are laid out anew; none: all that are recorded, as they
        were when they were run last
    :param removes: remove what is listed
    :param unknown: also list folders of jobs that no recorded config has ever needed
    :param as_json: print everything that is known
    :return: exit code, 1 if something could not be removed
    :raises BoulderError: if a config cannot be laid out, or if there is a manager at work that may need what is to be removed
    """
    check_folder()
    if removes and os.path.isdir(gs.WORK_DIR):
        _lock()
    records, gone = current_records()
    for config in configs:
        name, needed = _needed_by(config, gone)
        gone.discard(name)
        records[name] = records.get(name, ConfigRecord()).with_jobs(*needed)
    chosen = {_identity(config) for config in configs} or None
    found = with_reasons(left_over(records, chosen), [gs.OUTPUT_DIR])
    others = unknown_folders(records)
    if unknown:
        found += with_reasons(others, [gs.OUTPUT_DIR, gs.ALIAS_DIR])
    found = sorted(measured(found), key=lambda leftover: -(leftover.size or 0))
    left, kept = ([one for one in found if bool(one.kept) == is_kept] for is_kept in (False, True))
    problems = _remove(left) if removes else {}
    removed = [leftover for leftover in left if leftover.folder not in problems] if removes else []
    rest = [] if unknown else others
    if as_json:
        print(strict_json.dumps(_as_json(left, kept, rest, removed, problems, gone), indent=1))
        return int(bool(problems))
    for leftover in left:
        _tell(leftover, console)
    for leftover in kept:
        console.print(f"[dim]kept: {escape(leftover.folder)}: {escape(leftover.kept)}[/dim]", soft_wrap=True)
    _tell_sum(removed if removes else left, configs, removes, console)
    for folder, why in problems.items():
        console.print(f"[red]not removed:[/red] {escape(folder)}: {escape(why)}", soft_wrap=True)
    for name in sorted(gone):
        told = f"{name} is no config any more; what it needed is kept, until boulder clean {shlex.quote(name)}"
        console.print(f"[yellow]{escape(told)}[/yellow]", soft_wrap=True)
    if rest:
        told = f"not listed: {counted(len(rest), 'folder')} of jobs that no recorded config has needed; --unknown lists them"
        console.print(f"[dim]{escape(told)}[/dim]", soft_wrap=True)
    if (manager := manager_at_work()) and left and not removes:
        console.print(f"[dim]while a manager is at work ({escape(manager)}), nothing is removed[/dim]", soft_wrap=True)
    return int(bool(problems))


def current_records() -> tuple[dict[str, ConfigRecord], set[str]]:
    """:return: record of each config, under the one of its names that `config_identity` gives; those that do not exist any more"""
    records: dict[str, ConfigRecord] = {}
    gone = set()
    for name, record in read_records().items():
        try:
            identity = config_identity(name)
        except ConfigError:
            identity = name
            gone.add(name)
        before = records.get(identity, ConfigRecord())
        jobs, former = {*before.jobs, *record.jobs}, {*before.former, *record.former}
        records[identity] = ConfigRecord(tuple(sorted(jobs)), tuple(sorted(former - jobs)))
    return records, gone


def left_over_of_all() -> list[Leftover]:
    """:return: what all configs have left over, for `boulder status`, which has not the time to measure much"""
    return measured(left_over(current_records()[0]), _SECONDS_OF_STATUS)


def tell_left_over(console: Console) -> None:
    """Print a line, if anything is left over."""
    try:
        found = left_over_of_all()
    except BoulderError as error:
        console.print(f"[yellow]{escape(str(error))}[/yellow]", soft_wrap=True)
        return
    if found:
        console.print(f"[dim]left over: {_sum(found)}; boulder clean lists them[/dim]", soft_wrap=True)


def left_over_json() -> dict | None:
    """:return: number of folders, and their bytes; None for what cannot be read, or not be measured in time"""
    try:
        found = left_over_of_all()
    except BoulderError:
        return None
    sizes = [leftover.size for leftover in found]
    return {"folders": len(found), "bytes": None if None in sizes else sum(size or 0 for size in sizes)}


def _identity(config: str) -> str:
    try:
        return config_identity(config)
    except ConfigError:
        return config


def _needed_by(config: str, gone: Collection[str]) -> tuple[str, tuple[set[str], bool]]:
    """:return: name; ids of the jobs that it needs, and whether these are all that it will need"""
    if config in gone:
        return config, (set(), True)
    name = config_identity(config)
    lay_out_config(config, without_data=True)
    return name, ({job.job_id() for job in needed_jobs()}, not will_lay_out_more())


def _lock() -> None:
    try:
        lock_work_directory()
    except OSError as error:
        raise BoulderError(f"{gs.WORK_DIR}: {error.strerror}; nothing was removed") from error


def _remove(left: Sequence[Leftover]) -> dict[str, str]:
    """:return: folder → why it could not be removed"""
    problems: dict[str, str] = {}
    removed = []
    for leftover in left:
        try:
            remove(leftover)
            removed.append(leftover)
        except OSError as error:
            problems[leftover.folder] = f"{error.filename or leftover.folder}: {error.strerror}"
    remove_aliases_of(removed)
    _forget(left_over_jobs={leftover.job for leftover in removed})
    return problems


def _forget(left_over_jobs: Collection[str]) -> None:
    """Take jobs without a folder from the records of former ones."""
    records = read_records()

    def shorter(record: ConfigRecord) -> ConfigRecord:
        there = [job for job in record.former if job not in left_over_jobs or os.path.lexists(f"{gs.WORK_DIR}/{job}")]
        return replace(record, former=tuple(there))

    if (now := {name: shorter(record) for name, record in records.items()}) != records:
        write_records(now)


def _tell(leftover: Leftover, console: Console) -> None:
    of = f", of {leftover.config}" if leftover.config else ""
    text = f"{_size(leftover.size):>8}  {leftover.folder} ({leftover.name}{of})"
    console.print(escape(text), highlight=False, soft_wrap=True)


def _tell_sum(left: Sequence[Leftover], configs: Sequence[str], removed: bool, console: Console) -> None:
    if not left:
        console.print("nothing is left over")
    elif removed:
        console.print(f"removed: {_sum(left)}")
    else:
        again = shlex.join(["boulder", "clean", *configs])
        console.print(f"{_sum(left)}; {escape(again)} --remove removes them", soft_wrap=True)


def _sum(found: Sequence[Leftover]) -> str:
    """:return: e.g. `129 MB in 12 folders`"""
    known = [leftover.size for leftover in found if leftover.size is not None]
    least = "" if len(known) == len(found) else "at least "
    return f"{least}{_size(sum(known))} in {counted(len(found), 'folder')}"


def _size(size: int | None) -> str:
    text = formatting.magnitude(size)
    return f"{text}{'B' if ' ' in text else ' B'}"


def _as_json(
    left: Sequence[Leftover],
    kept: Sequence[Leftover],
    unknown: Sequence[Leftover],
    removed: Sequence[Leftover],
    problems: Mapping[str, str],
    gone: Collection[str],
) -> dict:
    def listed(found: Sequence[Leftover]) -> list[dict]:
        return [
            {"folder": one.folder, "job": one.job, "name": one.name, "config": one.config or None, "bytes": one.size}
            | ({"kept": one.kept} if one.kept else {})
            for one in found
        ]

    return {
        "left": listed(left),
        "bytes": sum(one.size or 0 for one in left),
        "kept": listed(kept),
        "unknown": [one.folder for one in unknown],
        "gone": sorted(gone),
        "removed": [one.folder for one in removed],
        "problems": dict(problems),
    }
