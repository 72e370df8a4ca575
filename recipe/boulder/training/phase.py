"""What a training job is told of a phase, as plain JSON: it is what enters the job's hash."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.training.options import TrainingOptions


@dataclass(frozen=True)
class TrainingPhase:
    """
    :param index: of the construction; None for the original network
    :param start: first epoch of the phase, also where this is a later part of it
    :param first_epoch: the first epoch to train, 1-based
    :param last_epoch: the last epoch to train
    :param network: net dict
    :param options: the config with the phase's overrides
    :param learning_rates: one for each epoch from `first_epoch` to `last_epoch`
    :param copy_param_mode: how the parameters of the phase before are grown into this one
    """

    index: int | None
    start: int
    first_epoch: int
    last_epoch: int
    network: dict
    options: TrainingOptions
    learning_rates: list[float]
    copy_param_mode: str | None

    @property
    def epochs(self) -> range:
        return range(self.first_epoch, self.last_epoch + 1)

    @property
    def name(self) -> str:
        return f"phase of epochs {self.first_epoch}–{self.last_epoch} ({self.index_name})"

    @property
    def index_name(self) -> str:
        return "original network" if self.index is None else f"index {self.index}"

    @classmethod
    def from_json(cls, value: dict) -> TrainingPhase:
        """:raises ConfigError: for an option that the training does not know"""
        value = dict(value)
        options = TrainingOptions.from_config(value.pop("config"), f"index {value['index']}")
        return cls(**value, options=options)
