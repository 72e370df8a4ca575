"""What a training job asks of the machine it runs on. Never part of a hash."""

import os

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
