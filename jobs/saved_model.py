"""`SavedModelJob`: the network of a checkpoint as a SavedModel for inference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from boulder.schedule.functions import restore
from jobs.checked_job import CheckedJob
from jobs.rqmt import PRELOADED, limit_threads, with_defaults
from sisyphus import Task, tk


class SavedModelJob(CheckedJob):
    """
    Outputs:
        out_saved_model: folder, see `boulder.network.saved_model` for the names of its inputs and outputs; the log lists them

    Hash: everything but `functions` (the checkpoint contains their digests) and `rqmt`.
    """

    __sis_preload__ = PRELOADED

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        layers: Sequence[str] = ("output",),
        search: bool = False,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param checkpoint: contains its network
        :param extern_data: data streams of the network
        :param layers: the layers that the model gives
        :param search: whether layers of class `choice` search, instead of reading given labels
        :param functions: `Pipeline.functions` of the pipeline of the checkpoint
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.checkpoint = checkpoint
        self.extern_data = extern_data
        self.layers = list(layers)
        self.search = search
        self.functions = functions or {}
        self.rqmt = with_defaults(rqmt, self, {"gpu": 0, "cpu": 1, "mem": 4, "time": 1})

        self.out_saved_model = self.output_path("saved_model", directory=True)

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt=self.rqmt)

    def run(self) -> None:
        from boulder.network import describe
        from boulder.network.saved_model import save_for_inference
        from boulder.training import Checkpoint

        limit_threads(self.rqmt)
        checkpoint = Checkpoint.load(self.checkpoint.get_path()).for_inference()
        net_dict: Any = restore(checkpoint.network, self.functions)
        network = describe(net_dict, self.extern_data, "search" if self.search else "eval")
        lines = save_for_inference(network, checkpoint.params, self.out_saved_model.get_path(), self.layers)
        print("\n".join(lines))

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        computed = {key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")}
        return super().hash(computed | {"layers": list(kwargs.get("layers", ("output",)))})
