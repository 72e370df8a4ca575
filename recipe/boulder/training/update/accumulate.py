"""`accum_grad_multiple_step`: one update for the summed gradients of several batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from boulder.lazy import TFTensor, tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update, slot_variable


@dataclass(frozen=True)
class Accumulate(Stage):
    """
    g ← Σ of the gradients since the last batch whose number, counted from the first phase, is a multiple of n. The
    optimizer applies it with the n-th batch. An epoch does not begin a new sum.

    :param periods: path → n
    """

    periods: Mapping[str, int]
    sums: dict[str, TFTensor] = field(default_factory=dict, compare=False)

    @classmethod
    def from_options(cls, options: ParameterOptions) -> Accumulate | None:
        periods = options.of("accum_grad_multiple_step")
        return cls(periods) if periods else None

    def build(self, variables: Mapping[str, TFTensor]) -> None:
        self.sums.update(
            {path: slot_variable(tf.zeros(variables[path].shape)) for path, n in self.periods.items() if n > 1}
        )

    def slots(self) -> Mapping[str, Mapping[str, TFTensor]]:
        return {"sum": self.sums} if self.sums else {}

    def __call__(self, update: Update) -> Update:
        gradients, due = dict(update.gradients), dict(update.due)
        for path, period in self.periods.items():
            gradients[path] = tf.convert_to_tensor(gradients[path])
            if period > 1:
                place = update.step % period
                gradients[path] += tf.where(place == 0, 0.0, self.sums[path])
                self.sums[path].assign(gradients[path])
                due[path] = place == period - 1
        return replace(update, gradients=gradients, due=due)
