"""Files in a job's directory, also after clean-up has packed them into finished.tar.gz."""

from __future__ import annotations

import contextlib
import os
import tarfile

from jobs.workdir.sisyphus_names import folder_of
from sisyphus import Job, gs


def read_text(job: Job, name: str) -> str | None:
    """:return: content of a file in the job's directory; None if there is no such file"""
    with contextlib.suppress(OSError), open(folder_of(job, name), encoding="utf-8", errors="replace") as file:
        return file.read()
    with contextlib.suppress(OSError, KeyError, tarfile.TarError), _archive(job) as archive:
        member = archive.extractfile(name)
        return member.read().decode(errors="replace") if member else None
    return None


def file_names(job: Job) -> list[str]:
    """:return: sorted names of the files in the job's directory; empty if there is no directory"""
    names: set[str] = set()
    with contextlib.suppress(OSError):
        names.update(os.listdir(folder_of(job)))
    with contextlib.suppress(OSError, tarfile.TarError), _archive(job) as archive:
        names.update(archive.getnames())
    return sorted(names)


def _archive(job: Job) -> tarfile.TarFile:
    return tarfile.open(folder_of(job, gs.JOB_FINISHED_ARCHIVE))
