"""The order of all sequences of a data set. The rules are those of RETURNN's `Dataset.get_seq_order_for_epoch`.

- `default`, `reverse`: the order of the data set, or its reverse
- `default_every_n:N`: N sequences that lie equally far apart, then each one's successor, and so on; a rest is left out
- `sorted`, `sorted_reverse`: by length, shortest or longest first; sequences of equal length keep their order
- `random`: a permutation
- `random_sample`: as many sequences as there are, drawn with replacement
- `laplace:N`: a permutation cut into N bins, each sorted by length, alternately ascending and descending, so that
  neighbours have similar lengths; `laplace:.N`: bins of about N sequences, at least 2 bins; `laplace`: 2 bins
- `sort_bin_shuffle:N`: sorted by length and cut into bins, whose order is random; `sort_bin_shuffle_x2:N`: so is the order
  within a bin. N means the same as for `laplace`.

Only `CombinedDataset` has `random_dataset` and `interleave`.

`random:K`, `random_sample:K`, `laplace:N:K` and `sort_bin_shuffle:N:K` draw the same random numbers for K epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boulder.data.random_numbers import OwnNumbers, Shuffling
from boulder.errors import DataError, nearest

_BLOCK = 1 << 16  # indices that are made or copied at once
_FIXED = ("default", "reverse", "sorted", "sorted_reverse")
_DRAWN = ("random", "random_sample")
OF_PARTS = ("random_dataset", "interleave")
"""Orders of a data set that consists of others."""

_BINNED = ("laplace", "sort_bin_shuffle", "sort_bin_shuffle_x2")
_FORMS = (
    *(*_FIXED, "default_every_n:N"),
    *(form for name in _DRAWN for form in (name, f"{name}:K")),
    *(form for name in _BINNED for form in (name, f"{name}:N", f"{name}:.N", f"{name}:N:K")),
)


@dataclass(frozen=True)
class OrderKind:
    """
    :param name: e.g. "laplace"
    :param number: N of `laplace:N`, `laplace:.N` and `default_every_n:N`
    :param is_bin_size: whether `number` is the size of a bin, not the number of bins
    :param epochs: K, the number of epochs with the same random numbers
    """

    name: str
    number: int = 2
    is_bin_size: bool = False
    epochs: int = 1

    @classmethod
    def parse(cls, kind: object, where: str = "sequence order") -> OrderKind:
        """
        :param kind: e.g. "laplace:.1000"
        :param where: context for the error message
        :raises DataError: for an unknown order, with the nearest name
        """
        name, *arguments = str(kind).split(":")
        try:
            if isinstance(kind, str) and name in (*_FIXED, *OF_PARTS) and not arguments:
                return cls(name)
            if name == "default_every_n" and len(arguments) == 1:
                return cls(name, _count(arguments[0]))
            if name in _DRAWN and len(arguments) <= 1:
                return cls(name, epochs=_count(arguments[0]) if arguments else 1)
            if name in _BINNED and len(arguments) <= 2:
                size, epochs = (*arguments, *("2", "1")[len(arguments) :])
                return cls(name, _count(size.removeprefix(".")), size.startswith("."), _count(epochs))
        except ValueError:
            pass
        known = ", ".join(_FORMS)
        raise DataError(
            f"{where}: found {kind!r:.60}, expected one of {known}{nearest(str(kind), (*_FORMS, *OF_PARTS))}"
        )

    @property
    def is_random(self) -> bool:
        return self.name in (*_DRAWN, *_BINNED, *OF_PARTS)

    @property
    def is_by_index(self) -> bool:
        """Whether it depends on nothing but the number of sequences."""
        return self.name in ("default", "reverse", "default_every_n")

    @property
    def selects(self) -> bool:
        """Whether it may leave out sequences."""
        return self.name in ("default_every_n", "random_sample")

    def order(self, num_seqs: int, lengths: Callable[[], np.ndarray], numbers: Shuffling) -> np.ndarray:
        """
        :param num_seqs: N
        :param lengths: returns [N]; called only if the order depends on it
        :param numbers: used only if the order is random
        :return: int64 [M]: indices of sequences; M is N unless the docstring of the module says otherwise
        """
        if self.name == "default":
            return np.arange(num_seqs)
        if self.name == "reverse":
            return np.arange(num_seqs)[::-1].copy()
        if self.name == "default_every_n":
            apart = num_seqs // self.number
            return np.arange(apart * self.number).reshape(self.number, apart).T.ravel()
        if self.name == "sorted":
            return _sorted(lengths())
        if self.name == "sorted_reverse":
            return _sorted(lengths(), longest_first=True)
        if self.name == "random_sample":
            return numbers.randint(0, num_seqs, num_seqs) if num_seqs else np.arange(0)
        order = numbers.permutation(num_seqs)
        if self.name == "random":
            return order
        if self.name in OF_PARTS:
            raise DataError(f"found the order {self.name!r}, which only a CombinedDataset has")
        bins = max(num_seqs // self.number, 2) if self.is_bin_size else self.number
        if self.name == "laplace":
            every = lengths()
            for i, part in enumerate(_cut(order, bins)):
                part[:] = part[_sorted(every[part], longest_first=i % 2 == 1)]
            return order
        order = _taken(order, _sorted(lengths()[order]))
        parts = _cut(order, bins)
        shuffled, end = np.empty_like(order), 0
        for i in numbers.permutation(bins):
            part = numbers.permutation(parts[i]) if self.name == "sort_bin_shuffle_x2" else parts[i]
            shuffled[end : end + len(part)] = part
            end += len(part)
        return shuffled


def check_order(kind: object, where: str = "sequence order") -> None:
    """:raises DataError: for an order that not every data set has, with the nearest name"""
    if OrderKind.parse(kind, where).name in OF_PARTS:
        raise DataError(f"{where}: found {kind!r}, which only a CombinedDataset has, as its seq_ordering")


def sequence_order(kind: str, lengths: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """
    :param kind: see the module
    :param lengths: [N], in the order of the data set
    :param seed: of Boulder's own random numbers
    :param epoch: counted from 1
    :return: int64 [M]: indices of sequences
    :raises DataError: for an unknown order
    """
    parsed, lengths = OrderKind.parse(kind), np.asarray(lengths, dtype="int64")
    return parsed.order(len(lengths), lambda: lengths, OwnNumbers(seed, (epoch - 1) // parsed.epochs + 1))


def _sorted(lengths: np.ndarray, longest_first: bool = False) -> np.ndarray:
    """:return: positions of the lengths, the shortest first, of equal ones in their order"""
    if not len(lengths) or lengths.dtype.kind != "i":
        return np.argsort(-lengths if longest_first else lengths, kind="stable")
    keys = lengths.astype("int64")  # sorted in place: to sort indices takes three times the memory
    if longest_first:
        np.subtract(keys.max(), keys, out=keys)
    keys *= len(keys)
    for start in range(0, len(keys), _BLOCK):
        keys[start : start + _BLOCK] += np.arange(start, min(start + _BLOCK, len(keys)))
    keys.sort()
    keys %= len(keys)
    return keys


def _taken(order: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """:return: `order[positions]`, in the memory of the positions"""
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        block[:] = order[block]
    return positions


def _cut(order: np.ndarray, bins: int) -> list[np.ndarray]:
    borders = [i * len(order) // bins for i in range(bins + 1)]
    return [order[borders[i] : borders[i + 1]] for i in range(bins)]


def _count(text: str) -> int:
    """:raises ValueError: for anything other than an integer of at least 1"""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(text)
    return int(text)
