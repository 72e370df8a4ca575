"""`TrainingPhase`: a phase as a training job receives it. Its JSON is what enters the hash of the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from boulder.data import canonical_description, with_digests
from boulder.errors import ConfigError, named, nearest
from boulder.schedule import Phase
from boulder.schedule.canonical import canonical
from boulder.schedule.labels import index_label
from boulder.training.growth import check_carry_optimizer
from boulder.training.last_best_options import AFTER_PRETRAINING
from boulder.training.learning_rate import LearningRateControl, control_from_json
from boulder.training.training_options import TrainingOptions

_DATA = ("train", "dev", "eval_datasets", "extended")  # these contain path objects, which are no plain JSON


@dataclass(frozen=True, kw_only=True)
class TrainingPhase:
    """
    A field added later needs a default: it is then left out of the JSON, so that existing jobs keep their hashes.

    :param index: index of the construction; None for the original network
    :param start: first epoch of the phase, also for a later part of it
    :param first_epoch: first epoch to train, 1-based
    :param last_epoch: last epoch to train
    :param network: net dict
    :param config: training options, with the overrides of the phase, see `TrainingOptions`
    :param learning_rate_control: gives the rate of each epoch from `first_epoch` to `last_epoch`
    :param train: data set to train on, as a canonical description
    :param dev: data set to score after each epoch; None for none
    :param pretrain_end: last epoch of pretraining, where an option counts from there, see `boulder.training.best_so_far`
    :param eval_datasets: name → further data set to score after each epoch
    :param copy_param_mode: how the parameters of the previous phase grow into this one, see `boulder.training.growth`
    :param init_from: layer → layer of the previous phase that initializes it, where the names differ
    :param carry_optimizer: how the optimizer's slots carry over from the previous phase
    :param growth_noise: noise on the split between replicated units in "net2wider", see `GrowthOptions`
    :param reset_layers: layers of the top level that are initialized from scratch
    :param extended: name of a file → the file itself, of those that `hdf_dump` layers of the phase extend
    :param trainable_layers: layers of the top level that are trained; None: all; empty: none, and dropout is disabled
    """

    index: int | None
    start: int
    first_epoch: int
    last_epoch: int
    network: dict[str, Any]
    config: dict[str, Any]
    learning_rate_control: LearningRateControl
    train: dict[str, Any]
    dev: dict[str, Any] | None = None
    eval_datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    pretrain_end: int = 0
    copy_param_mode: str | None = None
    init_from: Mapping[str, str] = field(default_factory=dict)
    carry_optimizer: str = "reset"
    growth_noise: float = 0.0
    reset_layers: list[str] = field(default_factory=list)
    trainable_layers: list[str] | None = None
    extended: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def planned(cls, phase: Phase, **others: Any) -> TrainingPhase:
        """
        :param phase: gives every field that both classes have
        :param others: the other fields
        """
        shared = {
            f.name: getattr(phase, f.name) for f in fields(cls) if f.name not in others and hasattr(phase, f.name)
        }
        first, last = phase.epochs[0], phase.epochs[-1]
        return cls(start=first, first_epoch=first, last_epoch=last, **shared, **others)

    @property
    def epochs(self) -> range:
        return range(self.first_epoch, self.last_epoch + 1)

    @property
    def counts_steps(self) -> bool:
        """Whether its batches are training steps: as in RETURNN, not with `#trainable` False."""
        return self.trainable_layers is None or bool(self.trainable_layers)

    @property
    def scored_data(self) -> dict[str, dict[str, Any]]:
        """Name → data set to score after each epoch, in this order."""
        return ({} if self.dev is None else {"dev": self.dev}) | self.eval_datasets

    @property
    def name(self) -> str:
        return f"phase of epochs {self.first_epoch}–{self.last_epoch} ({self.index_name})"

    @property
    def index_name(self) -> str:
        return index_label(self.index)

    @cached_property
    def options(self) -> TrainingOptions:
        """:raises ConfigError: for an unknown option, or a value of the wrong type or range"""
        return TrainingOptions.from_config(self.config)

    def restricted_to(self, epochs: range) -> TrainingPhase:
        """:return: the part of the phase that trains these epochs"""
        control = self.learning_rate_control.restricted_to(epochs)
        return replace(self, first_epoch=epochs[0], last_epoch=epochs[-1], learning_rate_control=control)

    def with_pretrain_end(self, epoch: int) -> TrainingPhase:
        """
        :param epoch: last epoch of pretraining; 0 for none
        :return: the phase, without the options that have no effect before, and with the epoch if any has one
        """
        if not any(self.config.get(key) for key in AFTER_PRETRAINING):
            return self
        if self.last_epoch > epoch:
            return replace(self, pretrain_end=epoch)
        return replace(self, config={key: value for key, value in self.config.items() if key not in AFTER_PRETRAINING})

    def to_json(self, functions: dict[str, dict] | None = None) -> dict[str, Any]:
        """
        :param functions: receives the functions in the network, the options and the data sets, see `canonical`
        :return: plain JSON, with path objects in the descriptions of data sets; fields at their default are left out
        """
        result = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, LearningRateControl):
                value = value.to_json()
            plain = with_digests(value, functions) if f.name in _DATA else canonical(value, functions)
            default = f.default_factory() if f.default_factory is not MISSING else f.default
            if default is MISSING or plain != default:
                result[f.name] = plain
        return result

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainingPhase:
        """
        :param value: from `to_json`, with its functions restored
        :raises ConfigError: for an unknown or missing field, or a wrong training option
        :raises DataError: for a wrong description of a data set
        """
        where = index_label(value["index"])
        known = {f.name for f in fields(cls)}
        for key in value:
            if key not in known:
                raise ConfigError(f"{where}: a phase has no {key!r}{nearest(key, known)}")
        missing = [f.name for f in fields(cls) if f.default is f.default_factory and f.name not in value]
        if missing:
            raise ConfigError(f"{where}: a phase needs {missing[0]!r}")
        check_carry_optimizer(value.get("carry_optimizer", "reset"), where)
        data = {key: canonical_description(value[key], key) for key in ("train", "dev") if value.get(key) is not None}
        further = value.get("eval_datasets", {})
        data["eval_datasets"] = {
            name: canonical_description(d, f"eval_datasets: {name}") for name, d in further.items()
        }
        control = control_from_json(value["learning_rate_control"], where)
        phase = cls(**{**value, **data, "learning_rate_control": control})
        with named(where):
            _ = phase.options
        return phase
