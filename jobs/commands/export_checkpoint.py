"""`boulder export`: a checkpoint for RETURNN, or a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from boulder.errors import CheckpointError, ConfigError
from jobs.commands.network_of_epoch import network_of_epoch


def export_checkpoint(checkpoint: str, model: str, console: Console) -> int:
    """
    :param checkpoint: of Boulder
    :param model: RETURNN's option of that name; the files are called `MODEL.012.index`, …
    :return: exit code
    :raises BoulderError: if a file cannot be read or written, or exists already
    """
    from boulder.returnn.checkpoint import checkpoint_name, main_file, write_tensorflow
    from boulder.training import Checkpoint

    loaded = Checkpoint.load(checkpoint)
    if loaded.position is not None:
        raise CheckpointError(
            f"checkpoint {checkpoint}: epoch {loaded.epoch} is not finished, expected a checkpoint of a whole epoch"
        )
    path = checkpoint_name(model, loaded.epoch)
    if os.path.exists(main_file(path)):
        raise ConfigError(f"--output {model}: {main_file(path)} exists already, expected another name")
    for file in write_tensorflow(path, loaded.for_inference().params, loaded.step):
        console.print(escape(os.path.relpath(file)), soft_wrap=True)
    slots = f"; optimizer slots are left out: {', '.join(sorted(loaded.slots))}" if loaded.slots else ""
    kind = "moving averages of parameters" if loaded.averages else "parameters"
    what = f"{len(loaded.params)} {kind} of epoch {loaded.epoch}, step {loaded.step}{slots}"
    console.print(escape(what), soft_wrap=True)
    return 0


def export_saved_model(
    checkpoint: str,
    folder: str,
    config: str | None,
    console: Console,
    *,
    layers: Sequence[str],
    pipeline: str | None = None,
    epoch: int | None = None,
    search: bool = False,
) -> int:
    """
    :param checkpoint: of Boulder or RETURNN
    :param folder: is created
    :param config: gives the network, see `network_of_epoch`
    :param layers: the layers that the model gives
    :param pipeline: if the config lays out several
    :param epoch: whose network the config gives; None: as the checkpoint says
    :param search: whether layers of class `choice` search
    :return: exit code
    :raises BoulderError: if the parameters do not fit, or a file cannot be read or written
    """
    from boulder.network.saved_model import save_for_inference
    from boulder.returnn.checkpoint import open_parameters
    from boulder.training.starting import Source, starting_checkpoint

    if config is None:
        raise ConfigError("--saved-model needs --config, the config that the checkpoint was trained with")
    file = open_parameters(checkpoint)
    found = network_of_epoch(config, pipeline, epoch or file.epoch, checkpoint)
    network = found.described("search" if search else "eval")
    phase = found.phase
    exact, _ = starting_checkpoint(
        [(Source(checkpoint=checkpoint), file)],
        phase.network,
        network,
        epoch=found.epoch,
        phase_start=phase.epochs[0],
        index=phase.index,
        random_seed=1,
    )
    for line in save_for_inference(network, exact.params, folder, layers):
        console.print(escape(line), soft_wrap=True)
    console.print(escape(folder), soft_wrap=True)
    return 0
