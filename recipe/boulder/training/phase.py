"""What a training job is told of a phase, as plain JSON: it is what enters the job's hash."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from boulder.errors import ConfigError, nearest
from boulder.schedule.labels import index_label
from boulder.training.growth import check_carry_optimizer
from boulder.training.learning_rate import LearningRateControl, control_from_json
from boulder.training.training_options import TrainingOptions


@dataclass(frozen=True)
class TrainingPhase:
    """
    :param index: of the construction; None for the original network
    :param start: first epoch of the phase, also where this is a later part of it
    :param first_epoch: the first epoch to train, 1-based
    :param last_epoch: the last epoch to train
    :param network: net dict
    :param options: the config with the phase's overrides
    :param learning_rate_control: gives the rate of each epoch from `first_epoch` to `last_epoch`; in JSON a dict with its
        "class", see `boulder.training.learning_rate`
    :param copy_param_mode: how the parameters of the phase before are grown into this one, see `boulder.training.growth`

    What follows has a default, and a job is not told of it where that holds, so that the hashes of older jobs stay.

    :param init_from: layer → layer of the phase before that its parameters come from, where that is of another name
    :param carry_optimizer: what becomes of the optimizer's slots where the phase begins
    :param growth_noise: how unequal the shares are that the replicas of a unit get in "net2wider"
    :param reset_layers: layers of the top level that take nothing from the phase before, see `GrowthOptions`
    :param trainable_layers: layers of the top level that are trained; None: all; empty: none, and there is no dropout
    """

    index: int | None
    start: int
    first_epoch: int
    last_epoch: int
    network: dict
    options: TrainingOptions
    learning_rate_control: LearningRateControl
    copy_param_mode: str | None
    init_from: dict[str, str] = field(default_factory=dict)
    carry_optimizer: str = "reset"
    growth_noise: float = 0.0
    reset_layers: list[str] = field(default_factory=list)
    trainable_layers: list[str] | None = None

    @property
    def epochs(self) -> range:
        return range(self.first_epoch, self.last_epoch + 1)

    @property
    def name(self) -> str:
        return f"phase of epochs {self.first_epoch}–{self.last_epoch} ({self.index_name})"

    @property
    def index_name(self) -> str:
        return index_label(self.index)

    @classmethod
    def from_json(cls, value: dict) -> TrainingPhase:
        """:raises ConfigError: for an option that the training does not know"""
        value = dict(value)
        where = index_label(value["index"])
        options = TrainingOptions.from_config(value.pop("config"), where)
        known = {field.name for field in fields(cls)}
        for key in value:
            if key not in known:
                raise ConfigError(f"{where}: a phase has no {key!r}{nearest(key, known)}")
        check_carry_optimizer(value.get("carry_optimizer", "reset"), where)
        control = control_from_json(value.pop("learning_rate_control"), where)
        return cls(**value, options=options, learning_rate_control=control)
