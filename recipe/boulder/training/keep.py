"""Which checkpoints a training keeps, by RETURNN's options `cleanup_old_models` and `save_interval`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.training.history import EpochRecord
from boulder.training.learning_rate.measure import named_scores
from boulder.training.numpy_values import without_numpy
from boulder.training.option_kind import is_int

KEEP_KEYS = ("cleanup_old_models", "save_interval")
"""Options of a config that decide which checkpoints are kept. They change no number, and enter no hash."""

_CLEAN_UP = {"keep": None, "keep_last_n": 2, "keep_best_n": 4}  # with RETURNN's defaults; None: see `_default_pattern`


@dataclass(frozen=True)
class Keep:
    """
    Which epochs are kept, besides the last one of each job.

    :param epochs: these, sorted
    :param best: number of best epochs for each score
    :param last: number of last epochs, also of those before the end of a job
    :param interval: only every so many epochs may be among the best or the last
    """

    epochs: tuple[int, ...] = ()
    best: int = 0
    last: int = 0
    interval: int = 1

    def __or__(self, other: Keep) -> Keep:
        """:return: keeps at least what either keeps"""
        return Keep(
            tuple(sorted({*self.epochs, *other.epochs})),
            max(self.best, other.best),
            max(self.last, other.last),
            math.gcd(self.interval, other.interval),
        )

    def keeps_best(self, num: int, num_epochs: int) -> bool:
        """:return: whether the best `num` of all epochs are among the kept ones, whatever the scores"""
        return self.best >= num or {*range(self.interval, num_epochs, self.interval)} <= {*self.epochs}

    def last_saved(self, num: int, num_epochs: int) -> list[int]:
        """:return: the last `num` epochs that may be kept; the very last one always is"""
        return [*range(self.interval, num_epochs, self.interval), num_epochs][-num:]

    def wanted(self, history: Sequence[EpochRecord]) -> set[int]:
        """
        :param history: records of all epochs so far
        :return: the epochs to keep at this point. As in RETURNN, which cleans up after each epoch, an epoch that was not wanted
            before is not wanted again.
        """
        kept: dict[int, dict[str, float]] = {}  # epoch → scores
        for record in history:
            epoch = record["epoch"]
            if epoch % self.interval == 0 or epoch in self.epochs:
                kept[epoch] = _finite(named_scores(record))
            if len(kept) > max(self.best, self.last):
                last = list(kept)[len(kept) - self.last :]
                wanted = {*self.epochs, *last, *_best_of_each(kept, self.best)}
                kept = {epoch: scores for epoch, scores in kept.items() if epoch in wanted}
        return set(kept)


def _best_of_each(scores: Mapping[int, Mapping[str, float]], number: int) -> set[int]:
    """
    :param scores: epoch → name → value
    :return: epochs of the lowest values of each score, the earlier of equal ones. As in RETURNN, a score that has the same
        value in all epochs does not count, and an epoch without a score has the worst value.
    """
    found: set[int] = set()
    for name in {name for of_epoch in scores.values() for name in of_epoch}:
        values = [of_epoch[name] for of_epoch in scores.values() if name in of_epoch]
        if number and min(values) < max(values):
            ranked = sorted((of_epoch.get(name, max(values)), epoch) for epoch, of_epoch in scores.items())
            found |= {epoch for _, epoch in ranked[:number]}
    return found


def _finite(scores: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if value is not None and math.isfinite(value)}


def keep_of_config(config: Mapping[str, Any], num_epochs: int, keep_epochs: Collection[int] = ()) -> Keep:
    """
    :param config: with `KEEP_KEYS` or without them. No `cleanup_old_models` (or None): only `keep_epochs`; False: every epoch
        that is a multiple of `save_interval`; True or a dict: what RETURNN keeps after the last epoch.
    :param num_epochs: number of all epochs of the training
    :param keep_epochs: further epochs to keep
    :raises ConfigError: for an option of the wrong type or range
    """
    interval = without_numpy(config.get("save_interval", 1))
    if not is_int(interval) or interval < 1:
        raise ConfigError(f"config: 'save_interval' must be a positive int, found {interval!r:.60}")
    explicit = _ints(keep_epochs, "keep_epochs")
    clean_up = without_numpy(config.get("cleanup_old_models"))
    if clean_up is None:
        if "save_interval" in config:
            raise ConfigError("config: 'save_interval' has no effect without 'cleanup_old_models'; expected both")
        return Keep(tuple(sorted(explicit)))
    saved = range(interval, num_epochs + 1, interval)
    if clean_up is False:
        return Keep(tuple(sorted({*explicit, *saved})), interval=interval)
    options = _clean_up_options(clean_up)
    last, best = options["keep_last_n"], options["keep_best_n"]
    if max(last, best) >= len(saved):
        return Keep(tuple(sorted({*explicit, *saved})), interval=interval)
    keep = _default_pattern(num_epochs) if options["keep"] is None else options["keep"]
    return Keep(tuple(sorted({*explicit, *saved[-last:], *(keep & set(saved))})), best, last, interval)


def check_best_are_known(config: Mapping[str, Any], is_scored: bool) -> None:
    """
    :param is_scored: whether any data is scored after the epochs
    :raises ConfigError: if the config itself asks for best epochs, as opposed to RETURNN's default, and no data is scored
    """
    clean_up = config.get("cleanup_old_models")
    if isinstance(clean_up, Mapping) and clean_up.get("keep_best_n", 0) and not is_scored:
        raise ConfigError(
            "config: 'cleanup_old_models' has 'keep_best_n', but no data is scored; expected data to score after each epoch, "
            "or 'keep_best_n': 0"
        )


def _clean_up_options(value: object) -> dict[str, Any]:
    """:return: all options of `cleanup_old_models`, `keep` as a set or None"""
    where = "config: 'cleanup_old_models'"
    if value is not True and not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a bool, or a dict such as {{'keep_best_n': 4}}, found {value!r:.60}")
    given = {} if value is True else dict(value)
    for key in given:
        if key not in _CLEAN_UP:
            raise ConfigError(f"{where} has no option {key!r}, only {', '.join(_CLEAN_UP)}{nearest(key, _CLEAN_UP)}")
    options = _CLEAN_UP | {key: without_numpy(option) for key, option in given.items()}
    for key, least in (("keep_last_n", 1), ("keep_best_n", 0)):
        if not is_int(options[key]) or options[key] < least:
            raise ConfigError(f"{where}: {key!r} must be an int of at least {least}, found {options[key]!r:.60}")
    if options["keep"] is not None:
        options["keep"] = _ints(options["keep"], "cleanup_old_models: keep")
    return options


def _ints(value: object, where: str) -> set[int]:
    numbers = (
        [without_numpy(item) for item in value] if isinstance(value, Iterable) and not isinstance(value, str) else None
    )
    if numbers is None or not all(is_int(number) and number > 0 for number in numbers):
        raise ConfigError(f"{where}: found {value!r:.60}, expected a list of epochs, such as [10, 20]")
    return set(numbers)


def _default_pattern(num_epochs: int) -> set[int]:
    """:return: the epochs that RETURNN keeps by default: multiples of a number, and powers of two times another one"""
    if num_epochs <= 10:
        every, doubles_of = 4, 5
    elif num_epochs <= 50:
        every, doubles_of = 20, 5
    elif num_epochs <= 100:
        every, doubles_of = 40, 10
    else:
        every, doubles_of = 80 * 2 ** (num_epochs // 240).bit_length(), 20
    doubles = {doubles_of * 2**i for i in range(num_epochs.bit_length())}
    return {epoch for epoch in {*range(every, num_epochs + 1, every), *doubles} if epoch <= num_epochs}
