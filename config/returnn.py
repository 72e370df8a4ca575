"""Trains the phases of a RETURNN config file as jobs.

    boulder plan path/to/file.config                              shows the phases, and what cannot be trained
    boulder run "config/returnn.setup('path/to/file.config')"     trains them

The data sets of the file must be of class HDFDataset, and Boulder must support its layers (docs/experiment.md) and options
(docs/returnn_options.md). Aliases and outputs are named after the file: alias/file/phase.00, …, output/file/checkpoint.h5.
"""

from pathlib import Path

from boulder.returnn import load_config
from jobs.notices import keep_notices
from jobs.pipeline import lay_out
from jobs.rqmt import training_rqmt
from sisyphus import tk


def setup(path: str, cpu: int = 2, mem: float = 8, time: float = 24, gpus: int = 1, nodes: int = 1) -> None:
    """
    :param path: RETURNN config file
    :param cpu: cores of each training job, per node
    :param mem: memory per node, in GB
    :param time: time limit of a training job, in hours
    :param gpus: number of GPUs per node, which share the batches
    :param nodes: number of nodes of each training job
    """
    name = Path(path).stem
    training = load_config(path).training(tk.Path)
    keep_notices(name, training.notices)
    laid_out = lay_out(
        name, **training.arguments(), rqmt=training_rqmt(cpu=cpu, mem=mem, time=time), gpus=gpus, nodes=nodes
    )
    tk.register_output(f"{name}/checkpoint.h5", laid_out.checkpoint)
