"""Requirements of jobs: cores, memory, time, GPUs. They are not part of a hash."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.lazy import tf
from jobs.workdir.job_name import name_of
from sisyphus import Job, gs
from sisyphus.tools import str_to_GB, str_to_hours

_CONVERTED: dict[str, tuple[Callable[[Any], float], str]] = {
    "mem": (str_to_GB, "GB as a number, or a string such as '512M'"),
    "time": (str_to_hours, "hours as a number, or a string such as '1:30:00'"),
}
_OF_ENGINES = ("rss", "file_size", "gpu_name", "multi_node_slots", "engine", "sbatch_args", "qsub_args", "bsub_args")
_OF_SETTINGS = ("gpu_mem",)  # read by the settings.py of set-ups in the field
KEYS = ("gpu", "cpu", *_CONVERTED, *_OF_ENGINES, *_OF_SETTINGS)
"""The keys that an engine of Sisyphus reads, embedded or upstream, and further ones in use."""
_MEANT = {
    "core": "cpu", "cpu": "cpu", "processor": "cpu", "thread": "cpu", "gpu": "gpu", "device": "gpu", "mem": "mem",
    "memory": "mem", "ram": "mem", "hour": "time", "time": "time", "node": "multi_node_slots", "partition": "sbatch_args",
    "queue": "sbatch_args",
}  # fmt: skip
"""Part of a key, without a plural's s → the key that is meant."""


def with_defaults(rqmt: Mapping[str, Any] | None, job: Job, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param rqmt: as the config gives it
    :param job: for messages
    :raises ConfigError: see `check_rqmt`
    """
    check_rqmt(rqmt or {}, f"{type(job).__name__}: rqmt")
    return {**defaults, **(rqmt or {})}


def check_rqmt_of_jobs(jobs: Iterable[Job]) -> None:
    """
    Find wrong amounts in the requirements of any jobs, before the first one runs: a job is asked for them only when its turn
    comes.

    :raises ConfigError: for a wrong amount; names the job. Keys are not checked, since an engine may read any.
    """
    for job in jobs:
        rqmt = getattr(job, "rqmt", None)
        if isinstance(rqmt, Mapping):
            check_rqmt(rqmt, f"{name_of(job)}: rqmt", any_key=True)


def check_rqmt(rqmt: Mapping[str, Any], where: str, any_key: bool = False) -> None:
    """
    :param where: context for error messages
    :param any_key: whether to accept keys that resemble a known one
    :raises ConfigError: for a misspelt key, and for a wrong amount
    """
    if not isinstance(rqmt, Mapping):
        raise ConfigError(f"{where}: found {rqmt!r:.60}, expected a dict such as {{'cpu': 2, 'mem': 4}}")
    for key, value in rqmt.items():
        # others may be for an engine of the user's settings.py
        if not any_key and key not in KEYS and (near := _nearest(str(key))):
            raise ConfigError(f"{where}: unknown key {key!r}, expected {', '.join(KEYS)}{near}")
        if key in ("gpu", "cpu") and not _is_amount(value):
            raise ConfigError(f"{where}: {key}: found {value!r:.60}, expected a number")
        if key in _CONVERTED:
            convert, expected = _CONVERTED[key]
            try:
                amount = convert(value)
            except Exception:  # upstream asserts
                amount = math.nan
            if isinstance(value, bool) or not _is_amount(amount):
                raise ConfigError(f"{where}: {key}: found {value!r:.60}, expected {expected}")


def _nearest(key: str) -> str:
    """:return: the end of a message, with the key that is meant; "" if it resembles none"""
    parts = [part.removesuffix("s") for part in key.lower().split("_")]
    meant = [_MEANT[part] for part in parts if part in _MEANT]
    return f"; did you mean {meant[0]!r}?" if meant else nearest(key, KEYS)


def _is_amount(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and 0 <= float(value) < math.inf


def training_rqmt(*, cpu: int, mem: float, time: float) -> dict[str, Any]:
    """
    :param cpu: cores, limited to those of this machine
    :param mem: in GB
    :param time: in hours
    :return: rqmt, with a GPU if settings.py counts one
    """
    num_gpus = getattr(gs, "num_gpus", lambda: 0)()
    return {"gpu": min(1, num_gpus), "cpu": min(cpu, os.cpu_count() or 1), "mem": mem, "time": time}


PRELOADED = ("boulder.with_tensorflow", "boulder.training.trainer")
"""What local workers find imported, for jobs that compute with TensorFlow. One process serves them all."""


def limit_threads(rqmt: Mapping[str, Any]) -> None:
    """Limits TensorFlow to as many threads as the job has cores. Must be called before its first operation."""
    tf.config.threading.set_intra_op_parallelism_threads(int(rqmt["cpu"]))
    tf.config.threading.set_inter_op_parallelism_threads(int(rqmt["cpu"]))


def warn_of_other_rqmt(job: Any, rqmt: Mapping[str, Any]) -> None:
    """Warns if the job had been laid out before with other requirements, since Sisyphus keeps the first."""
    kept = {name: job.rqmt.get(name) for name, value in rqmt.items() if job.rqmt.get(name) != value}
    if kept:
        asked = {name: rqmt[name] for name in kept}
        name = min(job.get_aliases() or [job.job_id()])
        warnings.warn(
            f"{name} is laid out twice, with different requirements: the first {kept} apply, not {asked}",
            stacklevel=2,
        )
