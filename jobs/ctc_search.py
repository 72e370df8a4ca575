"""`CtcSearchJob`: decodes a data set with a network trained by CTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.experiment import Data
from jobs.search import SearchJob
from sisyphus import tk

if TYPE_CHECKING:
    from boulder.search.network import Searched


class CtcSearchJob(SearchJob):
    """
    Greedy CTC search: takes the best label of each frame, merges repeats and drops blanks.

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
        :param output_layer: its output is [B, T, labels + blank]

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

    def search(self, searched: Searched) -> dict[str, list[int]]:
        from boulder.search.network import ctc_search

        return ctc_search(searched, self.output_layer)
