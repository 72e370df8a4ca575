"""The rate of each step: the rate of the epoch, a warm-up, and RETURNN's `dynamic_learning_rate`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from boulder.errors import TrainingError
from boulder.training.learning_rate.dynamic import dynamic_rate
from boulder.training.training_options import TrainingOptions


@dataclass(frozen=True)
class StepRates:
    """
    :param options: of the phase
    :param epoch: 1-based
    :param rate: of the epoch, from the learning-rate control
    :param phase_epoch: first epoch of the phase
    :param phase_step: number of updates before the phase
    """

    options: TrainingOptions
    epoch: int
    rate: float
    phase_epoch: int
    phase_step: int

    def at(self, step: int) -> float:
        """
        :param step: number of updates before this one, since the start of the training
        :raises TrainingError: if `dynamic_learning_rate` returns a negative number or one that is not finite
        """
        rate = dynamic_rate(self.options.dynamic_learning_rate, self.rate * self._warmup(step), step, self.epoch)
        if not 0 <= rate < math.inf:
            raise TrainingError(
                f"epoch {self.epoch}, step {step}: dynamic_learning_rate gives {rate!r}, expected a finite number, 0 or more"
            )
        return rate

    def _warmup(self, step: int) -> float:
        restart = self.options.learning_rate_warmup_restart
        epochs, steps = self.options.learning_rate_warmup_num_epochs, self.options.learning_rate_warmup_num_steps
        done = max(0, step - self.phase_step * restart) if steps else self.epoch - (self.phase_epoch if restart else 1)
        return min(1.0, (done + 1) / (steps or epochs or 1))
