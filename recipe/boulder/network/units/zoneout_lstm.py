"""LSTM with zoneout (Krueger et al. 2017): in training, entries of the state keep their previous values at random."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.site import Site
from boulder.network.units.context import UnitContext
from boulder.network.units.lstm import LstmWeights
from boulder.network.units.lstm_cell import LstmCell
from boulder.network.units.unit import Initializers, State


@dataclass(frozen=True, kw_only=True)
class ZoneoutLstm(LstmCell):
    """An LSTM whose state keeps entries of its previous values at random in training. RETURNN: ZoneoutLSTMCell.

    :param zoneout_factor_cell: probability with which an entry of c keeps its previous value; outside of training, the weight of
        the previous value in the mean of both
    :param zoneout_factor_output: likewise of h
    :param use_zoneout_output: whether the layer's output is h after zoneout; otherwise it is h before it, as the state of the next
        step never is. The default is True since `behavior_version` 17
    """

    zoneout_factor_cell: float = 0.0
    zoneout_factor_output: float = 0.0
    use_zoneout_output: bool = False

    @property
    def output(self) -> str | None:
        return "h" if self.use_zoneout_output else "output"

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        for option in ("zoneout_factor_cell", "zoneout_factor_output"):
            if not 0 <= getattr(self, option) <= 1:
                raise site.fail(f"unit_opts: {option!r} must be from 0 to 1, found {getattr(self, option)}")
        super().declare(site, n_in, n, init)

    def step(self, weights: LstmWeights, z: TFTensor, state: State, context: UnitContext) -> State:
        new = super().step(weights, z, state, context)
        rates: dict[str | None, float] = {"c": self.zoneout_factor_cell, "h": self.zoneout_factor_output}
        mixed = {key: _mixed(state[key], new[key], rate, f"zoneout/{key}", context) for key, rate in rates.items()}
        return mixed if self.use_zoneout_output else {**mixed, "output": new["h"]}


def _mixed(old: TFTensor, new: TFTensor, rate: float, purpose: str, context: UnitContext) -> TFTensor:
    if not context.train:
        return rate * old + (1 - rate) * new
    return tf.where(context.uniform(purpose, old.shape[-1]) < rate, old, new)
