"""Options of growth besides its mode."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from boulder.errors import ConfigError
from boulder.network import NetworkSpec


class GrowingPhase(Protocol):
    """The attributes of a phase that concern its growth."""

    @property
    def init_from(self) -> Mapping[str, str]: ...

    @property
    def growth_noise(self) -> float: ...

    @property
    def reset_layers(self) -> Collection[str]: ...


@dataclass(frozen=True)
class GrowthOptions:
    """
    :param init_from: new layer → old layer that its parameters come from, where the names differ
    :param network: the new network; "net2wider" and "deepen" require it. `custom_param_importer` is read from its layers.
    :param seed: seed of the random mapping of "net2wider"
    :param reset_layers: new layers of the top level that take no old values; does not apply to layers in a loop, as in
        RETURNN
    :param noise: inequality of the shares that the replicas of a unit get in "net2wider", in [0, 1)
    :param old_network: the old network; "net2wider" and "deepen" require it
    :param old_network_unknown: why it is unknown, for messages
    """

    init_from: Mapping[str, str] = field(default_factory=dict)
    network: NetworkSpec | None = None
    seed: int = 0
    noise: float = 0.0
    reset_layers: Collection[str] = ()
    old_network: NetworkSpec | None = None
    old_network_unknown: str = ""

    @classmethod
    def of(
        cls,
        phase: GrowingPhase,
        network: NetworkSpec,
        seed: int,
        old_network: NetworkSpec | None = None,
        old_network_unknown: str = "",
    ) -> GrowthOptions:
        """
        :param phase: a `boulder.schedule.Phase` or a `TrainingPhase`
        :param network: network of the phase
        :param old_network: network of the phase before
        """
        reset = tuple(phase.reset_layers)
        return cls(phase.init_from, network, seed, phase.growth_noise, reset, old_network, old_network_unknown)

    def __post_init__(self) -> None:
        """:raises ConfigError: for a value of the wrong type or range"""
        if not isinstance(self.init_from, Mapping):
            raise ConfigError(
                f"growth: 'init_from' must be a dict of new layer → old layer, found {self.init_from!r:.80}"
            )
        if isinstance(self.noise, bool) or not isinstance(self.noise, int | float) or not 0 <= self.noise < 1:
            raise ConfigError(f"growth: 'noise' must be a number from 0 to below 1, found {self.noise!r}")
