"""Decodes a data set with the beam search of a trained network."""

import json

from jobs.rqmt import limit_threads
from sisyphus import Job, Task, tk


class BeamSearchJob(Job):
    """
    What the network's own search finds: its layers `choice` say how many hypotheses it keeps, its layer `decide` takes the
    best.

    Outputs:
        out_hypotheses: JSON, sequence tag → list of label indices
        out_attention: JSON, sequence tag → weights, a list of one list per label; {} without `attention_layer`

    Hash: everything but `functions` (the checkpoint names them by their digests) and `rqmt`.
    """

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: list[tk.Path],
        output_layer: str = "decision",
        attention_layer: str | None = None,
        batch_size: int = 5000,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ):
        """
        :param checkpoint: it says what network it is of
        :param extern_data: data streams of the network
        :param data: HDF files; only the streams that the network reads are needed
        :param output_layer: of class `decide`
        :param attention_layer: within the loop, e.g. `output/att_weights`; it must be an output layer
        :param batch_size: padded frames
        :param functions: of the pipeline that made the checkpoint, if its net dicts have some
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.checkpoint = checkpoint
        self.extern_data = extern_data
        self.data = data
        self.output_layer = output_layer
        self.attention_layer = attention_layer
        self.batch_size = batch_size
        self.functions = functions or {}
        self.rqmt = {"gpu": 0, "cpu": 2, "mem": 4, "time": 1} | (rqmt or {})

        self.out_hypotheses = self.output_path("hypotheses.json")
        self.out_attention = self.output_path("attention.json")

    def tasks(self):
        yield Task("run", rqmt=self.rqmt)

    def run(self):
        from boulder.search.network import Searched, beam_search
        from boulder.training import Checkpoint

        limit_threads(self.rqmt)
        checkpoint = Checkpoint.load(self.checkpoint.get_path())
        files = [path.get_path() for path in self.data]
        searched = Searched(checkpoint, self.extern_data, files, self.batch_size, self.functions)
        hypotheses, attention = beam_search(searched, self.output_layer, self.attention_layer)
        weights = {tag: [[round(float(w), 4) for w in row] for row in of_tag] for tag, of_tag in attention.items()}
        for path, value in ((self.out_hypotheses, hypotheses), (self.out_attention, weights)):
            with open(path.get_path(), "w") as file:
                json.dump(value, file)
        print(f"{len(hypotheses)} sequences decoded")

    @classmethod
    def hash(cls, kwargs):
        return super().hash({key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")})
