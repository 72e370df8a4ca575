"""Trains the phases of a RETURNN config file as jobs.

    boulder plan path/to/file.config                              shows the phases
    boulder run "config/returnn.setup('path/to/file.config')"     trains them

The data sets of the file must be of class HDFDataset, and Boulder must support its layers (docs/experiment.md). Aliases and
outputs are named after the file: alias/file/phase.00, …, output/file/checkpoint.h5.
"""

from pathlib import Path

from boulder.returnn import load_config
from boulder.returnn.starting_point import start_from
from boulder.returnn.training import data_description, function_options, planned_with_data, training_config
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
    config = load_config(path)
    name = Path(path).stem
    training = lay_out(
        name,
        plan=lambda further_epochs: planned_with_data(config, further_epochs, tk.Path),
        config=training_config(config),
        extern_data=config.extern_data,
        train_data=data_description(config, "train", as_path=tk.Path),
        dev_data=data_description(config, "dev", as_path=tk.Path),
        start_from=start_from(config, tk.Path),
        rqmt=training_rqmt(cpu=cpu, mem=mem, time=time),
        gpus=gpus,
        nodes=nodes,
        function_options=function_options(config),
    )
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
