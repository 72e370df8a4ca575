"""`PriorJob`: mean posteriors of a network over a data set."""

from __future__ import annotations

from boulder.counted import counted
from jobs.experiment import Data
from jobs.network_pass import NetworkPassJob
from sisyphus import tk


class PriorJob(NetworkPassJob):
    """
    Computes the mean of posteriors over all frames of a data set, as RETURNN's task `compute_priors`.

    Outputs:
        out_prior_txt_file: natural logarithms, one in each line
        out_prior_xml_file: natural logarithms as an XML vector of RASR

    Hash: see `NetworkPassJob`.
    """

    def __init__(
        self,
        *,
        checkpoint: tk.Path,
        extern_data: dict,
        data: Data,
        output_layer: str = "output",
        network: dict | None = None,
        batch_size: int | dict[str, int] = 5000,
        max_seqs: int | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param output_layer: its output are probabilities of classes

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

        self.out_prior_txt_file = self.output_path("prior.txt")
        self.out_prior_xml_file = self.output_path("prior.xml")

    def run(self) -> None:
        from boulder.search.prior import mean_posteriors, write_prior_txt, write_prior_xml

        prior = mean_posteriors(self.data_pass("eval"), self.output_layer)
        write_prior_txt(self.out_prior_txt_file.get_path(), prior)
        write_prior_xml(self.out_prior_xml_file.get_path(), prior)
        if never := int((prior == 0).sum()):
            print(
                f"{never} of {counted(len(prior), 'class', 'classes')} have the probability 0 in every frame; their logarithm is -inf"
            )
