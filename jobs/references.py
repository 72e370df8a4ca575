"""`ReferencesJob`: the labels of a data set as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boulder.data import with_digests
from boulder.search.hypotheses import write_hypotheses
from boulder.search.layer_text import TextSource, stream_texts
from jobs.experiment import Data
from jobs.network_pass import whole_data
from jobs.rqmt import with_defaults
from sisyphus import Job, Task


class ReferencesJob(Job):
    """
    Writes the labels of a stream in the format `py` of hypotheses, to score hypotheses against them.

    Outputs:
        out_references: sequence tag → text, in the order of the data set

    Hash: everything but `rqmt`.
    """

    def __init__(
        self,
        *,
        data: Data,
        extern_data: dict,
        stream: str = "classes",
        vocabulary: dict | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param data: description of the data set, or paths of HDF files
        :param extern_data: data streams
        :param stream: stream of labels
        :param vocabulary: see `boulder.search.labels.vocabulary_description`; None: the names in the data set, if there are
            any, else the indices
        """
        self.data = whole_data(data)
        self.extern_data = extern_data
        self.stream = stream
        self.vocabulary = vocabulary
        self.rqmt = with_defaults(rqmt, self, {"cpu": 1, "mem": 2, "time": 1})

        self.out_references = self.output_path("references.py")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", resume="run", rqmt=self.rqmt)

    def run(self) -> None:
        texts = stream_texts(self.data, self.extern_data, TextSource(self.vocabulary, self.stream))
        write_hypotheses(self.out_references.get_path(), texts)

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        computed = {key: value for key, value in kwargs.items() if key != "rqmt"}
        return super().hash(computed | {"data": with_digests(whole_data(kwargs["data"]))})
