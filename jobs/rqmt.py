"""What a training job asks of the machine it runs on. Never part of a hash."""

import shutil


def training_rqmt(*, cpu: int, mem: float, time: float) -> dict:
    """
    :param cpu: cores
    :param mem: GB
    :param time: hours
    :return: rqmt with a GPU where there is one to be had: on this machine, or behind a batch system
    """
    gpu = any(shutil.which(program) for program in ("sbatch", "qsub", "nvidia-smi"))
    return {"gpu": int(gpu), "cpu": cpu, "mem": mem, "time": time}
