"""`SearchJob`: base of the jobs that decode a data set with a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boulder import strict_json
from boulder.counted import counted
from jobs.experiment import Data
from jobs.network_pass import NetworkPassJob
from sisyphus import tk

if TYPE_CHECKING:
    from boulder.search.data_pass import DataPass


class SearchJob(NetworkPassJob):
    """
    A subclass implements `search`, and writes further outputs there.

    Outputs:
        out_hypotheses: JSON, sequence tag → list of label indices

    Hash: see `NetworkPassJob`.
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
        :param output_layer: layer that is decoded

        `NetworkPassJob` documents the other arguments.
        """
        super().__init__(
            checkpoint=checkpoint,
            extern_data=extern_data,
            data=data,
            batch_size=batch_size,
            functions=functions,
            rqmt=rqmt,
        )
        self.output_layer = output_layer

        self.out_hypotheses = self.output_path("hypotheses.json")

    def run(self) -> None:
        hypotheses = self.search(self.data_pass())
        write_json(self.out_hypotheses, hypotheses)
        print(f"{counted(len(hypotheses), 'sequence')} decoded")

    def search(self, data_pass: DataPass) -> dict[str, list[int]]:
        """:return: sequence tag → label indices"""
        raise NotImplementedError


def write_json(path: tk.Path, value: object) -> None:
    with open(path.get_path(), "w", encoding="utf-8") as file:
        file.write(strict_json.dumps(value))
