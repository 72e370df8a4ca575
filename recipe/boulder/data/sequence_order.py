"""The order of the sequences in an epoch."""

import numpy as np

from boulder.errors import DataError, nearest

_WITHOUT_BINS = ("default", "reverse", "random", "sorted", "sorted_reverse")
KINDS = (*_WITHOUT_BINS, "laplace", "laplace:N", "laplace:.N")


def check_order(kind: object, where: str = "sequence order") -> None:
    """:raises DataError: for an unknown order, with the nearest name"""
    if kind not in _WITHOUT_BINS:
        _num_bins(kind, 0, where)


def sequence_order(kind: str, lengths: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """
    The rules are those of RETURNN's `Dataset.get_seq_order_for_epoch`. The random numbers are our own and depend only on
    `seed` and `epoch`.

    - `default`, `reverse`: the order of the data set, or its reverse
    - `sorted`, `sorted_reverse`: by length, shortest or longest first; sequences of equal length keep their order
    - `random`: a permutation
    - `laplace:N`: a permutation cut into N bins, each sorted by length, alternately ascending and descending, so that
      neighbours have similar lengths; `laplace:.N`: bins of about N sequences, at least 2 bins; `laplace`: 2 bins

    :param lengths: [N], in the order of the data set
    :param epoch: counted from 1
    :return: int64 [N]: indices of sequences
    :raises DataError: for an unknown order
    """
    lengths = np.asarray(lengths, dtype="int64")
    if kind == "default":
        return np.arange(len(lengths))
    if kind == "reverse":
        return np.arange(len(lengths))[::-1].copy()
    if kind == "sorted":
        return np.argsort(lengths, kind="stable")
    if kind == "sorted_reverse":
        return np.argsort(-lengths, kind="stable")
    if kind == "random":
        return _permutation(len(lengths), seed, epoch)
    return _laplace(_permutation(len(lengths), seed, epoch), lengths, _num_bins(kind, len(lengths)))


def _permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    # Sort raw bits: NumPy guarantees the raw stream of a bit generator, but not the result of Generator.permutation.
    bits = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(size)
    return np.argsort(bits, kind="stable")


def _num_bins(kind: object, num_seqs: int, where: str = "sequence order") -> int:
    name, _, parameter = str(kind).partition(":")
    if kind == "laplace":
        return 2
    if name == "laplace" and parameter.removeprefix(".").isdecimal() and int(parameter.removeprefix(".")):
        return max(num_seqs // int(parameter[1:]), 2) if parameter.startswith(".") else int(parameter)
    raise DataError(f"{where}: found {kind!r}, expected one of {', '.join(KINDS)}{nearest(str(kind), KINDS)}")


def _laplace(order: np.ndarray, lengths: np.ndarray, num_bins: int) -> np.ndarray:
    borders = [i * len(order) // num_bins for i in range(num_bins + 1)]
    bins = []
    for i in range(num_bins):
        part = order[borders[i] : borders[i + 1]]
        bins.append(part[np.argsort(lengths[part] if i % 2 == 0 else -lengths[part], kind="stable")])
    return np.concatenate(bins)
