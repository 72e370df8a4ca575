"""`BeamSearchJob`: decodes a data set with the beam search of a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.experiment import Data
from jobs.search import SearchJob, write_json
from sisyphus import tk

if TYPE_CHECKING:
    from boulder.search.data_pass import DataPass


class BeamSearchJob(SearchJob):
    """
    Beam search within the network: its `choice` layers set the beam sizes, its `decide` layer selects the best hypothesis.

    Outputs:
        out_hypotheses: JSON, sequence tag → list of label indices
        out_attention: JSON, sequence tag → attention weights, one list per label; {} without `attention_layer`

    Hash: everything but `functions` (the checkpoint contains their digests) and `rqmt`.
    """

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        output_layer: str = "decision",
        attention_layer: str | None = None,
        batch_size: int = 5000,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param output_layer: a layer of class `decide`
        :param attention_layer: an output layer within the loop, e.g. `output/att_weights`

        `SearchJob` documents the other arguments.
        """
        super().__init__(
            checkpoint=checkpoint,
            extern_data=extern_data,
            data=data,
            output_layer=output_layer,
            batch_size=batch_size,
            functions=functions,
            rqmt=rqmt,
        )
        self.attention_layer = attention_layer
        self.out_attention = self.output_path("attention.json")

    def search(self, data_pass: DataPass) -> dict[str, list[int]]:
        from boulder.search.network import beam_search

        hypotheses, attention = beam_search(data_pass, self.output_layer, self.attention_layer)
        weights = {tag: [[round(float(w), 4) for w in row] for row in of_tag] for tag, of_tag in attention.items()}
        write_json(self.out_attention, weights)
        return hypotheses
