"""What growth is told besides its mode."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from boulder.errors import ConfigError
from boulder.network import NetworkSpec


@dataclass(frozen=True)
class GrowthOptions:
    """
    :param init_from: new layer → the old layer that its parameters come from, where that is of another name
    :param network: the new network. "deepen" needs it; "net2wider" sees with it through layers without parameters; its
        layers say `custom_param_importer`
    :param seed: selects the random mapping of "net2wider"
    :param reset_layers: new layers of the top level that take nothing; layers in a loop are not concerned, as in RETURNN
    :param noise: how unequal the shares are that the replicas of a unit get in "net2wider", from 0 to below 1
    """

    init_from: Mapping[str, str] = field(default_factory=dict)
    network: NetworkSpec | None = None
    seed: int = 0
    noise: float = 0.0
    reset_layers: Collection[str] = ()

    @classmethod
    def of(cls, phase, network: NetworkSpec, seed: int) -> GrowthOptions:
        """
        :param phase: a phase, planned or to be trained
        :param network: its own
        """
        return cls(phase.init_from, network, seed, phase.growth_noise, tuple(phase.reset_layers))

    def __post_init__(self):
        """:raises ConfigError: for a value of another kind"""
        if not isinstance(self.init_from, Mapping):
            raise ConfigError(
                f"growth: 'init_from' must be a dict of new layer → old layer, found {self.init_from!r:.80}"
            )
        if isinstance(self.noise, bool) or not isinstance(self.noise, int | float) or not 0 <= self.noise < 1:
            raise ConfigError(f"growth: 'noise' must be a number from 0 to below 1, found {self.noise!r}")
