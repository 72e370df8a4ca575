"""The network that a config has in an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from boulder.counted import counted
from boulder.errors import ConfigError
from boulder.network import NetworkSpec, describe
from boulder.schedule import Phase
from jobs.commands.show_plan import planned_networks


@dataclass(frozen=True)
class NetworkOfEpoch:
    """
    :param epoch: of the plan
    :param phase: the phase that contains it
    :param extern_data: data streams
    """

    epoch: int
    phase: Phase
    extern_data: dict[str, Any]

    def described(self, mode: str = "train") -> NetworkSpec:
        """:param mode: see `boulder.network.describe`"""
        return describe(self.phase.network, self.extern_data, mode)


def network_of_epoch(config: str, pipeline: str | None, epoch: int | None, checkpoint: str) -> NetworkOfEpoch:
    """
    :param config: a config of Sisyphus, e.g. `config/g2p.demo`, or a RETURNN config file
    :param pipeline: if the config lays out several
    :param epoch: None: the last one, if all epochs have the same network
    :param checkpoint: for messages
    :raises BoulderError: if the config gives no plan, or not one with this epoch
    """
    planned = planned_networks(config, pipeline)
    plan = planned.plan
    if epoch is None and len(plan.phases) > 1:
        raise ConfigError(
            f"checkpoint {checkpoint}: its name has no epoch, expected --epoch, as {config} has {len(plan.phases)} networks"
        )
    found = plan.num_epochs if epoch is None else epoch
    if found > plan.num_epochs:
        raise ConfigError(
            f"checkpoint {checkpoint}: is of epoch {found}, but {config} has {counted(plan.num_epochs, 'epoch')}; expected --epoch, an "
            "epoch with the network of the checkpoint"
        )
    return NetworkOfEpoch(found, plan.phase(found), planned.extern_data)
