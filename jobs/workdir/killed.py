"""Workers that were killed, usually because memory ran out: a killed process cannot say why, so its engine does."""

from __future__ import annotations

import re

from jobs.workdir.job_files import file_names, read_text
from jobs.workdir.sisyphus_names import is_finished
from sisyphus import Job, gs

_KILLED = re.compile(r"was killed by signal 9 \(SIGKILL\), .*")
_RAN_OUT = re.compile(r"ran out of memory; now it requests")  # an engine whose scheduler tells it
_ADVICE = (
    "What helps: smaller batches ('batch_size', 'max_seqs', 'max_seq_length'), or more memory ('mem' in its rqmt, which is "
    "`boulder run FILE.config --mem`)"
)


def advice_on(message: str) -> str:
    """:return: what helps, as the end of an engine's message about too little memory; "" for any other message"""
    return f". {_ADVICE}" if _KILLED.search(message) or _RAN_OUT.search(message) else ""


def why_killed(job: Job) -> str | None:
    """
    :return: how often the worker of an unfinished job was killed, how the last time, and what helps; None if it was not, or if
        the engine does not tell: that of embedded/sisyphus does
    """
    if is_finished(job):
        return None
    logs = [name for name in file_names(job) if name.startswith(f"{gs.JOB_LOG}.") and ".error." not in name]
    told = [found[0] for name in logs for found in _KILLED.finditer(read_text(job, name) or "")]
    if not told:
        return None
    return f"its worker {told[-1].replace('was killed', _times(len(told)), 1)}. {_ADVICE}"


def _times(number: int) -> str:
    return "was killed" if number == 1 else f"was killed {number} times, the last time"
