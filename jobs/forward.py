"""`ForwardJob`: outputs of layers over a data set, as an HDF data set."""

from __future__ import annotations

from boulder.counted import counted
from jobs.experiment import Data
from jobs.network_pass import NetworkPassJob
from sisyphus import tk


class ForwardJob(NetworkPassJob):
    """
    Runs a network over a data set, without dropout, and writes outputs of layers as RETURNN's task `forward` does. The file
    is a data set in the order of the input: `train_data=forward.out_hdf`.

    Outputs:
        out_hdf: HDF file in RETURNN's layout

    Hash: see `NetworkPassJob`.
    """

    __sis_hash_exclude__ = NetworkPassJob.__sis_hash_exclude__ | {"search": False, "labels": None}

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        layers: str | dict[str, str] = "output",
        labels: dict[str, list[str]] | None = None,
        search: bool = False,
        network: dict | None = None,
        batch_size: int | dict[str, int] = 5000,
        max_seqs: int | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param layers: name of a layer, whose output becomes the stream `data`; or stream of the file → name of a layer, or
            `data:KEY` for a stream of the data set
        :param labels: stream of the file → names of its classes
        :param search: whether the network searches; otherwise its choices are the true labels

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
        self.layers = layers
        self.labels = labels
        self.search = search

        self.out_hdf = self.output_path("forward.hdf")

    def run(self) -> None:
        from boulder.search.forward import forward_to_hdf

        sources = {"data": self.layers} if isinstance(self.layers, str) else self.layers
        data_pass = self.data_pass("search" if self.search else "eval")
        count = forward_to_hdf(data_pass, sources, self.out_hdf.get_path(), self.labels)
        print(f"{counted(count, 'sequence')} written")
