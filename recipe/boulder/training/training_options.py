"""The options of a training, under RETURNN's names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, get_type_hints

from boulder.errors import ConfigError, nearest
from boulder.network.precision import PRECISIONS
from boulder.schedule.functions import restore
from boulder.training.batch_options import ChunkSizes, Fraction, Frames, Limit, PositiveInt, Sizes, WholeFrames
from boulder.training.last_best_options import last_best_options
from boulder.training.learning_rate import learning_rate_keys
from boulder.training.learning_rate.dynamic import check_dynamic_learning_rate
from boulder.training.numpy_values import without_numpy
from boulder.training.optimizer import check_optimizer
from boulder.training.option_kind import FLAG, NOT_NEGATIVE, STRING, OptionKind, is_int, is_number

_Count = Annotated[int, OptionKind("an int, 0 or more", lambda value: is_int(value) and value >= 0)]
_Patience = Annotated[
    int | None, OptionKind("a positive int or None", lambda value: value is None or (is_int(value) and value > 0))
]
_Seed = Annotated[int, OptionKind("an int from 0 to 2**31 - 1", lambda value: is_int(value) and 0 <= value < 2**31)]
_Number = Annotated[float, NOT_NEGATIVE]
_Order = Annotated[str, OptionKind("a string such as 'random'", STRING.fits)]
_Flag = Annotated[bool, FLAG]
_Precision = Annotated[
    str | None, OptionKind(f"None or one of {', '.join(PRECISIONS)}", lambda value: value in (None, *PRECISIONS))
]
_BelowOne = Annotated[
    float, OptionKind("a number from 0 to below 1", lambda value: is_number(value) and 0 <= value < 1)
]
_Tag = Annotated[str | None, OptionKind("a string or None", lambda value: value is None or STRING.fits(value))]
_Functions = Annotated[
    dict[str, Callable[..., Any]] | None,
    OptionKind(
        "a dict from parameter path to function, or None",
        lambda value: value is None or (isinstance(value, dict) and all(map(callable, value.values()))),
    ),
]
_Function = Annotated[
    Callable[..., Any] | None, OptionKind("a function or None", lambda value: value is None or callable(value))
]


@dataclass(frozen=True)
class TrainingOptions:
    """
    :param batch_size: maximal number of frames per batch, padding included; per data key if it is a dict; None: no limit
    :param max_seqs: maximal number of sequences per batch; None: no limit
    :param max_pad_size: maximal number of frames of padding per batch; per data key if it is a dict; None for no limit
    :param max_seq_length: longer sequences are left out, in frames; per data key if it is a dict; None or 0 for no limit
    :param min_seq_length: shorter sequences are left out in training; of the same form
    :param seq_drop: probability of each sequence to be left out of an epoch
    :param seq_drop_freq: number of epochs after which sequences are drawn again, if the order stays the same
    :param chunking: sequences are cut into chunks in training, see `boulder.data.Chunking.parse`; None for no chunking
    :param min_chunk_size: a rest of at most this many frames becomes no chunk; per data key if it is a dict
    :param chunking_variance: for each sequence, sizes are multiplied by a random factor between 1 - chunking_variance and 1
    :param returnn_batches: form batches exactly as RETURNN: streams that the network does not read count as well, and empty
        sequences that would be the last batch are left out
    :param batching: order of the sequences, see `boulder.data.order.sequence_order`, unless the data set has a `seq_ordering`
    :param optimizer: {"class": "adam", …}, see `boulder.training.optimizer`
    :param optimizer_epsilon: epsilon of the optimizer, if it has one and `optimizer` does not set it
    :param accum_grad_multiple_step: gradients of so many batches are summed for one update; 0 and 1: of one
    :param gradient_noise: standard deviation of noise on gradients
    :param gradient_clip: entries of gradients are clipped to ± this value; 0 for no clipping
    :param gradient_clip_norm: each gradient is scaled down to this norm; 0 for no clipping
    :param gradient_clip_avg_norm: each gradient is scaled down to this norm per entry; 0 for no clipping
    :param gradient_clip_global_norm: gradients are scaled down by their global norm to this one; 0 for no clipping
    :param gradient_clip_global_norm_tag: the norm is that of the layers with this tag; None: `global_norm_tag`
    :param global_norm_tag: as `gradient_clip_global_norm_tag`, also for `grad_norm_to_clip_to_zero`; None: of all layers
    :param gradient_nan_inf_filter: replace entries of gradients that are not finite by 0
    :param grad_norm_to_clip_to_zero: gradients become 0 if their global norm is above; 0 for no limit
    :param maximize_grad_norm: factor of the global norm of the gradients, which is subtracted from the objective
    :param param_variational_noise: standard deviation of noise on parameters in training
    :param param_dropout: probability with which an entry of a parameter is dropped in training
    :param param_dropout_min_ndim: parameters with fewer axes keep their entries
    :param decouple_constraints: apply `L2` of layers to parameters directly, w ← w − 2·L2·w before each update
    :param extra_updates: parameter path → function that is called with the variable, as `var`, after each batch
    :param reset_updater_vars_mod_step: the optimizer starts anew at the begin of each epoch and after so many batches of it;
        0: never
    :param stop_on_nonfinite_train_score: stop if a loss or gradient is not finite; otherwise such a batch makes no update
    :param use_normalized_loss: divide each loss by its number of frames; otherwise the objective is a sum over frames
    :param calculate_exp_loss: add e to the power of each cost to the scores
    :param learning_rate_warmup_num_epochs: in epoch n of the first N epochs, the rate is multiplied by n/N; 0 for no warm-up
    :param learning_rate_warmup_num_steps: the same for updates
    :param learning_rate_warmup_restart: the warm-up begins anew with each phase
    :param dynamic_learning_rate: changes the rate in each step: RETURNN's function or dict, see
        `boulder.training.learning_rate.dynamic`
    :param patience: training stops after so many epochs in which the score was not the lowest so far; None: it does not
    :param use_last_best_model: an epoch starts with the parameters of the best epoch so far, see
        `boulder.training.best_so_far`; True, or a dict of RETURNN's options
    :param mixed_precision: type of products in the network, see `boulder.network.precision`; None: float32
    :param ema: decay per update of moving averages of the parameters, which searches and exports use; 0: no averages
    :param ema_in_scores: data sets are scored with these averages
    :param random_seed: seed of initial parameters, sequence order and dropout
    :param init_new_network_callback: called at the start of a phase, before parameters are carried over, see
        `boulder.training.growth.callbacks`
    :param growth_callback: called after parameters were carried over; may replace values
    """

    batch_size: Sizes = 5000
    max_seqs: Limit = 40
    max_pad_size: Frames = None
    max_seq_length: Frames = None
    min_seq_length: Frames = None
    seq_drop: Fraction = 0.0
    seq_drop_freq: PositiveInt = 10
    chunking: ChunkSizes = None
    min_chunk_size: WholeFrames = None
    chunking_variance: Fraction = 0.0
    returnn_batches: _Flag = False
    batching: _Order = "default"
    optimizer: dict[str, Any] | str = field(default_factory=lambda: {"class": "adam"})
    optimizer_epsilon: _Number = 1e-16
    accum_grad_multiple_step: _Count = 0
    gradient_noise: _Number = 0.0
    gradient_clip: _Number = 0.0
    gradient_clip_norm: _Number = 0.0
    gradient_clip_avg_norm: _Number = 0.0
    gradient_clip_global_norm: _Number = 0.0
    gradient_clip_global_norm_tag: _Tag = None
    global_norm_tag: _Tag = None
    gradient_nan_inf_filter: _Flag = False
    grad_norm_to_clip_to_zero: _Number = 0.0
    maximize_grad_norm: _Number = 0.0
    param_variational_noise: _Number = 0.0
    param_dropout: _BelowOne = 0.0
    param_dropout_min_ndim: _Count = 0
    decouple_constraints: _Flag = False
    extra_updates: _Functions = None
    reset_updater_vars_mod_step: _Count = 0
    stop_on_nonfinite_train_score: _Flag = True
    use_normalized_loss: _Flag = False
    calculate_exp_loss: _Flag = False
    learning_rate_warmup_num_epochs: _Count = 0
    learning_rate_warmup_num_steps: _Count = 0
    learning_rate_warmup_restart: _Flag = False
    dynamic_learning_rate: Any = None
    patience: _Patience = None
    use_last_best_model: Any = False
    mixed_precision: _Precision = None
    ema: _BelowOne = 0.0
    ema_in_scores: _Flag = True
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
        for key in known:
            check_kind(key, getattr(options, key), where)
        check_optimizer(options.optimizer, where)
        last_best_options(options.use_last_best_model, where)
        check_dynamic_learning_rate(options.dynamic_learning_rate, where)
        if options.mixed_precision == "float16" and options.maximize_grad_norm:
            raise ConfigError(
                f"{where}: found 'mixed_precision' 'float16' with 'maximize_grad_norm', whose second derivatives may become 0, "
                "expected 'bfloat16'"
            )
        if options.learning_rate_warmup_num_epochs and options.learning_rate_warmup_num_steps:
            raise ConfigError(
                f"{where}: found 'learning_rate_warmup_num_epochs' and 'learning_rate_warmup_num_steps', expected one of them"
            )
        return options


def check_kind(option: str, value: object, where: str) -> None:
    """:raises ConfigError: if the value is of the wrong type or range"""
    kind = _kinds().get(option)
    if kind is not None and not kind.fits(value):
        raise ConfigError(f"{where}: {option!r} must be {kind.expected}, found {_as_given(value)!r}")


@functools.cache
def _kinds() -> dict[str, OptionKind]:
    hints = get_type_hints(TrainingOptions, include_extras=True)
    return {key: kind for key, hint in hints.items() for kind in getattr(hint, "__metadata__", ())}


def _as_given(value: object) -> object:
    """:return: the value as in the config, where its canonical form differs, as {1: 2} does"""
    try:
        return restore(value)
    except ConfigError:  # it holds a function
        return value
