"""The options of a training, under RETURNN's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, get_type_hints

from boulder.errors import ConfigError, nearest
from boulder.training.learning_rate import learning_rate_keys
from boulder.training.numpy_values import without_numpy
from boulder.training.optimizer import check_optimizer
from boulder.training.option_kind import FLAG, NOT_NEGATIVE, STRING, OptionKind, is_int


def _is_positive_int(value: object) -> bool:
    return is_int(value) and value > 0


def _are_sizes(value: object) -> bool:
    return value is None or all(map(_is_positive_int, value.values() if isinstance(value, dict) else [value]))


_SIZES = "a positive int, a dict of them per data key, or None for no limit"
_Sizes = Annotated[int | dict[str, int] | None, OptionKind(_SIZES, _are_sizes)]
_Limit = Annotated[
    int | None,
    OptionKind("a positive int, or None for no limit", lambda value: value is None or _is_positive_int(value)),
]
_Seed = Annotated[int, OptionKind("an int from 0 to 2**31 - 1", lambda value: is_int(value) and 0 <= value < 2**31)]
_Number = Annotated[float, NOT_NEGATIVE]
_Order = Annotated[str, OptionKind("a string such as 'random'", STRING.fits)]
_Flag = Annotated[bool, FLAG]
_Function = Annotated[
    Callable[..., Any] | None, OptionKind("a function or None", lambda value: value is None or callable(value))
]


@dataclass(frozen=True)
class TrainingOptions:
    """
    :param batch_size: maximal number of frames per batch, padding included; per data key if it is a dict; None: no limit
    :param max_seqs: maximal number of sequences per batch; None: no limit
    :param batching: order of the sequences, see `boulder.data.sequence_order`
    :param optimizer: {"class": "adam", …}, see `boulder.training.optimizer`
    :param optimizer_epsilon: epsilon of the optimizer, if it has one and `optimizer` does not set it
    :param gradient_clip: entries of gradients are clipped to ± this value; 0 for no clipping
    :param gradient_clip_global_norm: gradients are scaled down to this global norm; 0 for no clipping
    :param use_normalized_loss: divide each loss by its number of frames; otherwise the objective is a sum over frames
    :param random_seed: seed of initial parameters, sequence order and dropout
    :param init_new_network_callback: called at the start of a phase, before parameters are carried over, see
        `boulder.training.growth.callbacks`
    :param growth_callback: called after parameters were carried over; may replace values
    """

    batch_size: _Sizes = 5000
    max_seqs: _Limit = 40
    batching: _Order = "default"
    optimizer: dict[str, Any] = field(default_factory=lambda: {"class": "adam"})
    optimizer_epsilon: _Number = 1e-16
    gradient_clip: _Number = 0.0
    gradient_clip_global_norm: _Number = 0.0
    use_normalized_loss: _Flag = False
    random_seed: _Seed = 42
    init_new_network_callback: _Function = None
    growth_callback: _Function = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any], where: str = "config") -> TrainingOptions:
        """
        :param config: option → value, without the keys of learning rates
        :param where: context for error messages
        :raises ConfigError: for an unknown key, with the nearest known one, or a value of the wrong type or range
        """
        known = [option.name for option in fields(cls)]
        for key in config:
            if key not in known:
                every = [*known, *learning_rate_keys()]
                raise ConfigError(f"{where}: the training does not know {key!r}{nearest(key, every)}")
        options = replace(cls(), **{key: without_numpy(value) for key, value in config.items()})
        for key, hint in get_type_hints(cls, include_extras=True).items():
            for kind in getattr(hint, "__metadata__", ()):
                if not kind.fits(getattr(options, key)):
                    raise ConfigError(f"{where}: {key!r} must be {kind.expected}, found {getattr(options, key)!r}")
        check_optimizer(options.optimizer, where)
        return options
