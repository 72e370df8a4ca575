"""Requirements of training jobs: cores, memory, time, GPUs. They are not part of a hash."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from sisyphus import gs


def training_rqmt(*, cpu: int, mem: float, time: float) -> dict[str, Any]:
    """
    :param cpu: cores, limited to those of this machine
    :param mem: in GB
    :param time: in hours
    :return: rqmt, with a GPU if settings.py counts one
    """
    num_gpus = getattr(gs, "num_gpus", lambda: 0)()
    return {"gpu": min(1, num_gpus), "cpu": min(cpu, os.cpu_count() or 1), "mem": mem, "time": time}


def limit_threads(rqmt: Mapping[str, Any]) -> None:
    """Limits TensorFlow to as many threads as the job has cores. Must be called before its first operation."""
    import tensorflow as tf

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
