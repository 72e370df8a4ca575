"""`SearchJob`: base of the jobs that decode a data set with a trained network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jobs.experiment import Data, data_description
from jobs.rqmt import limit_threads
from sisyphus import Job, Task, tk

if TYPE_CHECKING:
    from boulder.search.data_pass import DataPass


class SearchJob(Job):
    """
    A subclass implements `search`, and writes further outputs there.

    Outputs:
        out_hypotheses: JSON, sequence tag → list of label indices

    Hash: everything but `functions` (the checkpoint contains their digests) and `rqmt`.
    """

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        output_layer: str = "output",
        batch_size: int = 5000,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param checkpoint: contains its network
        :param extern_data: data streams of the network
        :param data: description of the data set, or paths of HDF files; only streams that the network reads are needed
        :param output_layer: layer that is decoded
        :param batch_size: padded frames
        :param functions: `Pipeline.functions` of the pipeline of the checkpoint
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.checkpoint = checkpoint
        self.extern_data = extern_data
        self.data = data_description(data, "data", ordered=False)
        self.output_layer = output_layer
        self.batch_size = batch_size
        self.functions = functions or {}
        self.rqmt = {"gpu": 0, "cpu": 2, "mem": 4, "time": 1} | (rqmt or {})

        self.out_hypotheses = self.output_path("hypotheses.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt=self.rqmt)

    def run(self) -> None:
        from boulder.search.data_pass import DataPass
        from boulder.training import Checkpoint

        limit_threads(self.rqmt)
        checkpoint = Checkpoint.load(self.checkpoint.get_path())
        hypotheses = self.search(DataPass(checkpoint, self.extern_data, self.data, self.batch_size, self.functions))
        write_json(self.out_hypotheses, hypotheses)
        print(f"{len(hypotheses)} sequences decoded")

    def search(self, data_pass: DataPass) -> dict[str, list[int]]:
        """:return: sequence tag → label indices"""
        raise NotImplementedError

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        computed = {key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")}
        return super().hash(computed | {"data": data_description(kwargs["data"], "data", ordered=False)})


def write_json(path: tk.Path, value: object) -> None:
    with open(path.get_path(), "w") as file:
        json.dump(value, file)
