"""The process that reads a data set by RETURNN's own package: the other end of `boulder.data.of_returnn.data_process`.

Requests are (name, arguments), answers (False, result) or (True, error in one line). See `_Answers` for the requests. What
RETURNN prints goes to the standard output, which the other process keeps.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from boulder.data.python_values import from_json
from boulder.data.read_errors import in_one_line
from boulder.network.code.active_config import activated
from boulder.returnn.config_functions import ConfigFunction
from boulder.returnn.config_object import Config
from boulder.returnn.placeholders import with_real_bases
from boulder.schedule.functions import FunctionByValue

_BYTES = 1 << 22  # in an answer, unless its first sequence has more


class _Answers:
    """Each method without `_` is a request."""

    def __init__(self) -> None:
        self._dataset: Any = None
        self._facts: dict[str, Any] = {}
        self._config = ExitStack()  # holds the config that functions get by Boulder's stand-in of `get_global_config`
        self._place = (0, 0)  # epoch, and number of the next sequence to read
        self.reads = ""  # the sequence that is read, as the begin of messages

    def open(self, pickled: bytes) -> None:
        """:param pickled: description and options, see `boulder.data.of_returnn.returnn_dataset`"""
        import returnn.datasets.basic  # before the description is unpickled, so that placeholders become its objects
        from returnn.config import Config as ReturnnConfig
        from returnn.config import set_global_config
        from returnn.log import log

        log.initialize(verbosity=[4])
        description, options = (from_json(value, self._found) for value in pickle.loads(pickled))
        set_global_config(ReturnnConfig(dict(options)))
        self._config.enter_context(activated(Config(dict(options))))
        self._dataset = returnn.datasets.basic.init_dataset(description)
        self._facts = self._found_facts()

    @staticmethod
    def _found(function: FunctionByValue) -> Any:
        """:return: the function or class, whose modules become importable"""
        found: Any = function.function
        if isinstance(found, ConfigFunction):
            sys.modules.update(found.modules)
            found = found.function
        return with_real_bases(found) if isinstance(found, type) else found

    def facts(self) -> dict[str, Any]:
        """:return: number of sequences, None if it was unknown before the first epoch, and RETURNN's version"""
        return self._facts

    def _found_facts(self) -> dict[str, Any]:
        """Some classes know more once an epoch has begun, but these facts must be the same after a resume."""
        import returnn

        try:
            num_seqs = int(self._dataset.get_total_num_seqs(fast=True))
        except Exception:  # the class does not know it
            num_seqs = None
        return {"num_seqs": num_seqs, "version": returnn.__version__}

    def seed(self, epoch: int) -> int:
        return int(self._dataset._get_random_seed_for_epoch(epoch=epoch))

    def streams(self) -> dict[str, dict[str, Any]]:
        """:return: key → fields of a `Stream`, from the first sequence of the first epoch"""
        self.begin(1)
        if not self._dataset.is_less_than_num_seqs(0):
            raise ValueError("found no sequences")
        self._dataset.load_seqs(0, 1)
        kinds = {}
        for key in self._keys():
            array, sparse = self._dataset.get_data(0, key), bool(self._dataset.is_data_sparse(key))
            if array.dtype.kind not in "OSU":  # no texts
                kinds[key] = {
                    "dim": int(self._dataset.get_data_dim(key)) if sparse or array.ndim > 1 else None,
                    "sparse": sparse,
                    "dtype": str(array.dtype),
                    "has_feature_axis": array.ndim > 1,
                    "has_time_axis": array.ndim > 0,
                    "inner": array.shape[1:-1],
                }
        return kinds

    def labels(self, key: str) -> list[str] | None:
        return self._dataset.labels.get(key)

    def begin(self, epoch: int) -> None:
        self._dataset.init_seq_order(epoch=epoch)
        self._place = (epoch, 0)

    def skip(self, epoch: int, number: int, count: int) -> int:
        """
        :param number: of the next sequence
        :return: number of sequences that were skipped: less than `count` at the end of the epoch
        """
        return sum(1 for _ in self._sequences((epoch, number), count))

    def read(
        self, epoch: int, number: int, count: int, keys: list[str]
    ) -> list[tuple[str, dict[str, np.ndarray], dict[str, int]]]:
        """
        :param number: of the next sequence
        :return: tag, arrays and lengths of at most so many sequences; none at the end of the epoch
        """
        read, size = [], 0
        for index in self._sequences((epoch, number), count):
            arrays = {key: np.asarray(self._dataset.get_data(index, key)) for key in self._of_dataset(keys)}
            read.append((str(self._dataset.get_tag(index)), arrays, self._lengths(index)))
            size += sum(array.nbytes for array in arrays.values())
            if size > _BYTES:
                break
        return read

    def _sequences(self, place: tuple[int, int], count: int) -> Iterator[int]:
        """:return: numbers of the next sequences, each of which is loaded"""
        if place != self._place:
            raise ValueError(f"epoch and sequence {place} were asked for, but {self._place} comes next")
        epoch, first = place
        for number in range(first, first + count):
            self.reads = ""
            if not self._dataset.is_less_than_num_seqs(number):
                _check_end(self._dataset)
                return
            self.reads = f"epoch {epoch}, sequence {number}: "
            self._dataset.load_seqs(number, number + 1)
            self._place = (epoch, number + 1)
            yield number

    def _keys(self) -> list[str]:
        return sorted(self._dataset.get_data_keys(), key=lambda key: (key != "data", key))

    def _of_dataset(self, keys: list[str]) -> list[str]:
        known = self._keys()
        for key in keys:
            if key not in known:
                raise ValueError(f"found no stream {key!r}, expected one of {', '.join(known)}")
        return keys

    def _lengths(self, number: int) -> dict[str, int]:
        lengths = self._dataset.get_seq_length(number)
        return {key: int(lengths[key]) for key in self._keys() if lengths[key] is not None}


def _check_end(dataset: Any) -> None:
    """:raises ValueError: if RASR has ended before the end of the epoch, which looks like its end for a moment"""
    if not getattr(dataset, "reached_final_seq_seen_all", True):
        raise ValueError("the program that gives the data has ended before the end of the epoch")
    for value in vars(dataset).values():
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if hasattr(part, "is_less_than_num_seqs"):
                _check_end(part)


def _serve(connection: Connection) -> None:
    answers = _Answers()
    while True:
        try:
            request, arguments = connection.recv()
        except EOFError:
            os.killpg(0, signal.SIGKILL)  # ends this process, too
        answers.reads = ""
        try:
            answer = (False, getattr(answers, request)(*arguments))
        except Exception as error:
            traceback.print_exc()
            answer = (True, f"{answers.reads}{in_one_line(error)}")
        connection.send(answer)


def _restore_fromstring() -> None:
    """NumPy 2.3 has removed `fromstring` for bytes, by which `ExternSprintDataset` still reads its arrays."""
    of_text = np.fromstring

    def fromstring(string: Any, dtype: Any = float, count: int = -1, *, sep: str = "", **others: Any) -> np.ndarray:
        if sep:
            return of_text(string, dtype, count, sep=sep, **others)
        return np.frombuffer(string, dtype, count).copy()

    np.fromstring = fromstring  # type: ignore[assignment]  # with fewer overloads


def _end_with_parent(lifeline: socket.socket) -> None:
    """Waits until the other process has ended or closed the data set, in whatever way, and ends this one and all its children."""
    lifeline.recv(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    threading.Thread(target=_end_with_parent, args=(socket.socket(fileno=int(sys.argv[2])),), daemon=True).start()
    _restore_fromstring()
    try:
        _serve(Connection(int(sys.argv[1])))
    except KeyboardInterrupt:  # so RETURNN ends a process one of whose threads has failed, which has printed why
        os._exit(1)
    except OSError:  # the other process is gone
        os.killpg(0, signal.SIGKILL)
