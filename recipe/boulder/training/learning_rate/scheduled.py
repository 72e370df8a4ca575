"""`scheduled`: the rates that the config fixes in advance. RETURNN calls it `constant`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boulder.training.history import EpochRecord
from boulder.training.learning_rate.control import LearningRateControl, control_class


@control_class("scheduled", "constant")
@dataclass(frozen=True, kw_only=True)
class Scheduled(LearningRateControl):
    def rate(self, epoch: int, history: Sequence[EpochRecord]) -> float:
        return self.scheduled(epoch)
