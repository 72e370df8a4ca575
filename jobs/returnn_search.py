"""`ReturnnSearchJob`: decodes a data set and writes the hypotheses as RETURNN does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boulder.counted import counted
from boulder.search.hypotheses import write_hypotheses
from boulder.search.layer_text import TextSource
from jobs.experiment import Data
from jobs.network_pass import NetworkPassJob
from sisyphus import tk


class ReturnnSearchJob(NetworkPassJob):
    """
    Search within the network, as RETURNN's task `search`. The hypothesis of a layer after `decide` is a text, that of a layer
    with several hypotheses a list of (score, text), that of a layer without class indices an array.

    Outputs:
        out_search_file: hypotheses in RETURNN's format `py`, in the order of the data set
        out_search_txt_file: the same in its format `txt`; not for a list of layers

    Hash: see `NetworkPassJob`.
    """

    __sis_hash_exclude__ = NetworkPassJob.__sis_hash_exclude__ | {"ctc": False}

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        output_layer: str | Sequence[str] = "output",
        texts: dict[str, dict] | None = None,
        ctc: bool = False,
        network: dict | None = None,
        batch_size: int | dict[str, int] = 5000,
        max_seqs: int | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param output_layer: name of a layer, or a list of names; with a list, each hypothesis is a dict by layer
        :param texts: layer → where the names of its classes come from: "vocabulary", see
            `boulder.search.labels.vocabulary_description`, or else "stream", a stream of the data set
        :param ctc: whether the layer has the shape [B, T, labels + blank] and is decoded by the best label of each frame

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
        self.layers = [output_layer] if isinstance(output_layer, str) else list(output_layer)
        self.texts = texts or {}
        self.ctc = ctc

        self.out_search_file = self.output_path("search_out.py")
        self.out_search_txt_file = self.output_path("search_out.txt")

    def run(self) -> None:
        from boulder.search.layer_text import hypothesis, labels_of
        from boulder.search.network import search_layers

        data_pass = self.data_pass()
        labels = {
            layer: labels_of(TextSource(**self.texts.get(layer, {})), self.data, self.extern_data)
            for layer in self.layers
        }
        results: dict[str, Any] = {}
        for tag, outputs in search_layers(data_pass, self.layers, ctc=self.ctc).items():
            found = {
                layer: hypothesis(output, labels[layer], f"{layer} of {tag!r}")
                for layer, output in zip(self.layers, outputs, strict=True)
            }
            results[tag] = found[self.layers[0]] if isinstance(self.output_layer, str) else found
        write_hypotheses(self.out_search_file.get_path(), results)
        if isinstance(self.output_layer, str):
            write_hypotheses(self.out_search_txt_file.get_path(), results, "txt")
        for layer in self.layers:
            if labels[layer] is None:
                print(
                    f"layer {layer!r}: neither 'vocab' nor the data set name its classes; found class indices are written"
                )
        print(f"{counted(len(results), 'sequence')} decoded")
