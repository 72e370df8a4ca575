"""`CtcSearchJob`: decodes a data set with a network trained by CTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.search import SearchJob

if TYPE_CHECKING:
    from boulder.search.data_pass import DataPass


class CtcSearchJob(SearchJob):
    """
    Greedy CTC search: takes the best label of each frame, merges repeats and drops blanks. `output_layer` has the shape
    [B, T, labels + blank].

    Outputs:
        out_hypotheses: JSON, sequence tag → list of label indices

    Hash: everything but `functions` (the checkpoint contains their digests) and `rqmt`.
    """

    def search(self, data_pass: DataPass) -> dict[str, list[int]]:
        from boulder.search.network import ctc_search

        return ctc_search(data_pass, self.output_layer)
