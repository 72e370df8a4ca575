"""`NetworkPassJob`: base of the jobs that run a trained network over a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from boulder.awaited import resolved
from boulder.data import with_digests
from jobs.checked_job import CheckedJob
from jobs.experiment import Data, data_description
from jobs.rqmt import PRELOADED, limit_threads, with_defaults
from sisyphus import Task, tk

if TYPE_CHECKING:
    from boulder.search.data_pass import DataPass


_OF_EPOCHS = ("partition_epoch", "repeat_epoch", "epoch_wise_filter", "sampling_sizes", "multi_epoch")


class NetworkPassJob(CheckedJob):
    """
    A subclass declares its outputs and implements `run`, which begins with `data_pass`.

    Where a number is due, a `tk.Variable` may stand for it: the job waits until it has a value.

    Hash: everything but `functions` (the checkpoint or `network` contain their digests) and `rqmt`. Arguments at the defaults
    of `__sis_hash_exclude__` do not enter it.
    """

    __sis_preload__ = PRELOADED
    __sis_hash_exclude__: dict[str, Any] = {"network": None, "max_seqs": None}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        network: dict | None = None,
        batch_size: int | dict[str, int] = 5000,
        max_seqs: int | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param checkpoint: contains its network
        :param extern_data: data streams of the network
        :param data: description of the data set, or paths of HDF files; only streams that the network reads are needed
        :param network: net dict in place of the one in the checkpoint, as plain JSON (`boulder.schedule.canonical`)
        :param batch_size: padded frames, or stream → padded frames
        :param max_seqs: largest number of sequences in a batch; None: no limit
        :param functions: `Pipeline.functions` of the pipeline of the checkpoint
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.checkpoint = checkpoint
        self.extern_data = extern_data
        self.data = whole_data(data)
        self.network = network
        self.batch_size = batch_size
        self.max_seqs = max_seqs
        self.functions = functions or {}
        self.rqmt = with_defaults(rqmt, self, {"gpu": 0, "cpu": 2, "mem": 4, "time": 1})

    def tasks(self) -> Iterator[Task]:
        yield Task("run", resume="run", rqmt=self.rqmt)

    def data_pass(self, mode: str = "search") -> DataPass:
        """
        :param mode: "search" or "eval"
        """
        from boulder.search.data_pass import DataPass
        from boulder.training import Checkpoint

        limit_threads(self.rqmt)
        return DataPass(
            checkpoint=Checkpoint.load(self.checkpoint.get_path()).for_inference(),
            extern_data=resolved(self.extern_data, "extern_data"),
            data=self.data,
            batch_size=resolved(self.batch_size, "batch_size"),
            functions=self.functions,
            network=resolved(self.network, "network"),
            max_seqs=resolved(self.max_seqs, "max_seqs"),
            mode=mode,
        )

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        computed = {key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")}
        return super().hash(computed | {"data": with_digests(whole_data(kwargs["data"]))})


def whole_data(data: Data) -> dict[str, Any]:
    """:return: canonical description of all sequences that the data set selects, regardless of the parts that epochs have"""
    return data_description(_without_parts(data) if isinstance(data, Mapping) else data, "data", ordered=False)


def _without_parts(value: Any) -> Any:
    """:return: a description without the options of epochs, nor those of data sets within"""
    if isinstance(value, Mapping):
        kept = {key: _without_parts(item) for key, item in value.items() if key not in _OF_EPOCHS}
        return kept | ({"multi_epoch": 1} if "multi_epoch" in value else {})
    if isinstance(value, list | tuple):
        return type(value)(map(_without_parts, value))
    return value
