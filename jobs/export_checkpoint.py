"""`ExportCheckpointJob`: a checkpoint in RETURNN's format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boulder.counted import counted
from jobs.checked_job import CheckedJob
from jobs.rqmt import PRELOADED, limit_threads, with_defaults
from sisyphus import Task, tk


class ExportCheckpointJob(CheckedJob):
    """
    Writes a checkpoint as TensorFlow's files, with the parameters and the number of steps, as RETURNN does. RETURNN, and
    `start_from`, load it by `out_index`, or by the same path without `.index`. Optimizer slots are left out.

    Outputs:
        out_index: the file `checkpoint.index`
        out_meta: the file `checkpoint.meta`
        out_data: the file `checkpoint.data-00000-of-00001`

    Hash: everything but `rqmt`.
    """

    __sis_preload__ = PRELOADED

    def __init__(self, *, checkpoint: tk.Path, rqmt: dict | None = None) -> None:
        """
        :param checkpoint: checkpoint of Boulder
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.checkpoint = checkpoint
        self.rqmt = with_defaults(rqmt, self, {"gpu": 0, "cpu": 1, "mem": 4, "time": 1})

        self.out_index = self.output_path("checkpoint.index")
        self.out_meta = self.output_path("checkpoint.meta")
        self.out_data = self.output_path("checkpoint.data-00000-of-00001")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt=self.rqmt)

    def run(self) -> None:
        from boulder.returnn.checkpoint import prefix_of, write_tensorflow
        from boulder.training import Checkpoint

        limit_threads(self.rqmt)
        checkpoint = Checkpoint.load(self.checkpoint.get_path()).for_inference()
        write_tensorflow(prefix_of(self.out_index.get_path()), checkpoint.params, checkpoint.step)
        print(f"{counted(len(checkpoint.params), 'parameter')} of epoch {checkpoint.epoch}, step {checkpoint.step}")

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        return super().hash({key: value for key, value in kwargs.items() if key != "rqmt"})
