"""`boulder import`: a checkpoint of Boulder from one of RETURNN, or for another network."""

from __future__ import annotations

import os

from rich.console import Console
from rich.markup import escape

from boulder.errors import ConfigError
from jobs.commands.network_of_epoch import network_of_epoch


def import_checkpoint(
    checkpoint: str,
    config: str,
    output: str,
    console: Console,
    *,
    pipeline: str | None = None,
    epoch: int | None = None,
    prefix: str = "",
    ignore_missing: bool = False,
) -> int:
    """
    :param checkpoint: of Boulder or RETURNN
    :param config: gives the network, see `network_of_epoch`
    :param output: file to write; must not exist
    :param pipeline: if the config lays out several
    :param epoch: number of epochs that are done, whose network the config gives; None: as the checkpoint says
    :param prefix: see `boulder.training.starting.Source`, like `ignore_missing`
    :return: exit code
    :raises BoulderError: if the parameters do not fit, or a file cannot be read or written
    """
    from boulder.returnn.checkpoint import open_parameters
    from boulder.training.starting import Source, starting_checkpoint

    if os.path.exists(output):
        raise ConfigError(f"--output {output}: the file exists already, expected another name")
    file = open_parameters(checkpoint)
    found = network_of_epoch(config, pipeline, epoch or file.epoch, checkpoint)
    source = Source(checkpoint=checkpoint, prefix=prefix, ignore_missing=ignore_missing, keep_step=True)
    imported, taken = starting_checkpoint(
        [(source, file)],
        found.phase.network,
        found.described(),
        epoch=found.epoch,
        phase_start=found.phase.epochs[0],
        index=found.phase.index,
        random_seed=1,
    )
    imported.save(output)
    for line in taken.lines():
        console.print(escape(line), soft_wrap=True)
    what = f"epoch {imported.epoch}, step {imported.step}; optimizer slots are left out"
    console.print(f"{escape(output)}: {what}", soft_wrap=True)
    return 0
