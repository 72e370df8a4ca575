"""Decodes a data set with a trained network."""

import json

from jobs.rqmt import limit_threads
from sisyphus import Job, Task, tk


class CtcSearchJob(Job):
    """
    Greedy CTC search: the best label of each frame, repeats merged, blanks dropped.

    Outputs:
        out_hypotheses: JSON, sequence tag → list of label indices

    Hash: everything but `functions` (the checkpoint names them by their digests) and `rqmt`.
    """

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: list[tk.Path],
        output_layer: str = "output",
        batch_size: int = 5000,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ):
        """
        :param checkpoint: it says what network it is of
        :param extern_data: data streams of the network
        :param data: HDF files; only the streams that the network reads are needed
        :param output_layer: gives [B, T, labels + blank]
        :param batch_size: padded frames
        :param functions: of the pipeline that made the checkpoint, if its net dicts have some
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.checkpoint = checkpoint
        self.extern_data = extern_data
        self.data = data
        self.output_layer = output_layer
        self.batch_size = batch_size
        self.functions = functions or {}
        self.rqmt = {"gpu": 0, "cpu": 2, "mem": 4, "time": 1} | (rqmt or {})

        self.out_hypotheses = self.output_path("hypotheses.json")

    def tasks(self):
        yield Task("run", rqmt=self.rqmt)

    def run(self):
        from boulder.search.network import Searched, ctc_search
        from boulder.training import Checkpoint

        limit_threads(self.rqmt)
        checkpoint = Checkpoint.load(self.checkpoint.get_path())
        files = [path.get_path() for path in self.data]
        searched = Searched(checkpoint, self.extern_data, files, self.batch_size, self.functions)
        hypotheses = ctc_search(searched, self.output_layer)
        with open(self.out_hypotheses.get_path(), "w") as file:
            json.dump(hypotheses, file)
        print(f"{len(hypotheses)} sequences decoded")

    @classmethod
    def hash(cls, kwargs):
        return super().hash({key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")})
