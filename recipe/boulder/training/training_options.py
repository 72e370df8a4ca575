"""The keys of a config that the training knows, under RETURNN's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from boulder.errors import ConfigError, nearest
from boulder.training.learning_rate import learning_rate_keys
from boulder.training.optimizer import check_optimizer

_NUMBER = (int, float)


@dataclass(frozen=True)
class TrainingOptions:
    """
    :param batch_size: most frames of a batch, padding included; per data key if it is a dict
    :param max_seqs: most sequences of a batch
    :param batching: order of the sequences, see `boulder.data.sequence_order`
    :param optimizer: {"class": "adam", …}, see `boulder.training.optimizer`
    :param optimizer_epsilon: the optimizer's epsilon, where it has one and `optimizer` does not say
    :param gradient_clip: entries of gradients are clipped to ± this; 0 for no clipping
    :param gradient_clip_global_norm: all gradients together are scaled down to this norm; 0 for no clipping
    :param use_normalized_loss: each loss is divided by its frames; else the objective is a sum over frames
    :param random_seed: of initial parameters, sequence order and dropout
    :param init_new_network_callback: a function that is called where a phase begins from the one before, before values are
        copied, see `boulder.training.growth.callbacks`
    :param growth_callback: a function that is called after that, and may replace values
    """

    batch_size: int | dict = 5000
    max_seqs: int = 40
    batching: str = "default"
    optimizer: dict = field(default_factory=lambda: {"class": "adam"})
    optimizer_epsilon: float = 1e-16
    gradient_clip: float = 0.0
    gradient_clip_global_norm: float = 0.0
    use_normalized_loss: bool = False
    random_seed: int = 42
    init_new_network_callback: Callable | None = None
    growth_callback: Callable | None = None

    @classmethod
    def from_config(cls, config: dict, where: str = "config") -> TrainingOptions:
        """
        :param config: option → value, without the learning rate's keys
        :param where: for messages
        :raises ConfigError: for a key that is not known, with the nearest right one, or a value of another type
        """
        known = [f.name for f in fields(cls)]
        for key in config:
            if key not in known:
                every = [*known, *learning_rate_keys()]
                raise ConfigError(f"{where}: the training does not know {key!r}{nearest(key, every)}")
        options = replace(cls(), **config)
        options._check(where)
        return options

    def _check(self, where: str) -> None:
        def expect(key: str, what: str, fits: bool) -> None:
            if not fits:
                raise ConfigError(f"{where}: {key!r} must be {what}, found {getattr(self, key)!r}")

        sizes = self.batch_size.values() if isinstance(self.batch_size, dict) else [self.batch_size]
        expect("batch_size", "a positive int, or a dict of them per data key", all(map(_is_positive_int, sizes)))
        expect("max_seqs", "a positive int", _is_positive_int(self.max_seqs))
        expect("batching", "a string such as 'random'", isinstance(self.batching, str))
        expect("use_normalized_loss", "True or False", isinstance(self.use_normalized_loss, bool))
        expect("random_seed", "an int", isinstance(self.random_seed, int) and not isinstance(self.random_seed, bool))
        for key in ("optimizer_epsilon", "gradient_clip", "gradient_clip_global_norm"):
            value = getattr(self, key)
            expect(
                key, "a number, 0 or more", isinstance(value, _NUMBER) and not isinstance(value, bool) and value >= 0
            )
        for key in ("init_new_network_callback", "growth_callback"):
            expect(key, "a function or None", getattr(self, key) is None or callable(getattr(self, key)))
        check_optimizer(self.optimizer, where)


def _is_positive_int(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
