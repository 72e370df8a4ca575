"""`CtcAlignmentJob`: the best alignment of the labels of a data set to its frames."""

from __future__ import annotations

from boulder.counted import counted
from jobs.experiment import Data
from jobs.network_pass import NetworkPassJob
from sisyphus import tk


class CtcAlignmentJob(NetworkPassJob):
    """
    Aligns the labels of each sequence to the frames of a layer that is trained by CTC. The file is a data set in the order of
    the input, with a class for each frame: a label, or the blank, the last class.

    Outputs:
        out_hdf: HDF file in RETURNN's layout

    Hash: see `NetworkPassJob`.
    """

    __sis_hash_exclude__ = NetworkPassJob.__sis_hash_exclude__ | {"layers": None}

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        output_layer: str = "output",
        target: str = "classes",
        stream: str = "data",
        layers: dict[str, str] | None = None,
        network: dict | None = None,
        batch_size: int | dict[str, int] = 5000,
        max_seqs: int | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param output_layer: its output is [B, T, labels + blank], probabilities
        :param target: stream of the labels
        :param stream: stream of the file for the alignment
        :param layers: further streams of the file, e.g. `{"data": "data:data"}` with `stream="classes"`, see `ForwardJob`

        `NetworkPassJob` documents the other arguments.
        """
        super().__init__(
            checkpoint=checkpoint,
            extern_data=extern_data,
            data=data,
            network=network,
            batch_size=batch_size,
            max_seqs=max_seqs,
            functions=functions,
            rqmt=rqmt,
        )
        self.output_layer = output_layer
        self.target = target
        self.stream = stream
        self.layers = layers

        self.out_hdf = self.output_path("alignment.hdf")

    def run(self) -> None:
        from boulder.search.ctc_alignment import align_to_hdf

        count = align_to_hdf(
            self.data_pass("eval"),
            self.output_layer,
            target=self.target,
            stream=self.stream,
            sources=self.layers or {},
            path=self.out_hdf.get_path(),
        )
        print(f"{counted(count, 'sequence')} aligned")
