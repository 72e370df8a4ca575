"""What a training job asks of the machine it runs on. Never part of a hash."""

import os
import warnings

from sisyphus import gs


def training_rqmt(*, cpu: int, mem: float, time: float) -> dict:
    """
    :param cpu: cores; fewer where this machine has fewer
    :param mem: GB
    :param time: hours
    :return: rqmt, with a GPU where settings.py counts one
    """
    num_gpus = getattr(gs, "num_gpus", lambda: 0)()
    return {"gpu": min(1, num_gpus), "cpu": min(cpu, os.cpu_count() or 1), "mem": mem, "time": time}


def limit_threads(rqmt: dict) -> None:
    """Has TensorFlow use as many threads as the job has cores. To be called before its first operation."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(int(rqmt["cpu"]))
    tf.config.threading.set_inter_op_parallelism_threads(int(rqmt["cpu"]))


def warn_of_other_rqmt(job, rqmt: dict | None) -> None:
    """Where the same job was laid out before: Sisyphus then keeps that one, with its requirements."""
    kept = {name: job.rqmt.get(name) for name, value in (rqmt or {}).items() if job.rqmt.get(name) != value}
    if kept:
        asked = {name: rqmt[name] for name in kept}
        name = min(job.get_aliases() or [job.job_id()])
        warnings.warn(
            f"{name} is laid out twice, with other requirements: {kept} of the first time count, not {asked}",
            stacklevel=2,
        )
