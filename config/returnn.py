"""Trains the phases of a RETURNN config file as jobs, and runs the network over other data.

    boulder plan path/to/file.config                                 shows the phases
    boulder run "config/returnn.setup('path/to/file.config')"        trains them; searches if the file has options of a search
    boulder run "config/returnn.search('path/to/file.config')"       decodes `search_data` and scores the words
    boulder run "config/returnn.forward('path/to/file.config')"      writes the output of a layer as an HDF data set
    boulder run "config/returnn.prior('path/to/file.config')"        writes the mean posteriors

The data sets of the file must be of class HDFDataset, and Boulder must support its layers (docs/experiment.md). Aliases and
outputs are named after the file: alias/file/phase.00, …, output/file/checkpoint.h5. What `setup` has trained, the others do not
train again. docs/search.md has more.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boulder.returnn import ReturnnConfig, load_config
from boulder.returnn.search_options import asks_for_search, search_options
from boulder.returnn.training import data_description, function_options, planned_with_data, training_config
from jobs.laid_out import Pipeline
from jobs.pipeline import lay_out
from jobs.report import ReportJob
from jobs.returnn_tasks import TrainedNetwork, WordOptions, lay_out_forward, lay_out_prior, lay_out_search
from jobs.rqmt import training_rqmt
from sisyphus import tk


def setup(path: str, cpu: int = 2, mem: float = 8, time: float = 24, gpus: int = 1, nodes: int = 1) -> None:
    """
    Trains. If the file has `search_data`, `search_output_layer` or `search_output_file`, also decodes `search_data`, or else
    `dev`, scores the words, and writes a report.

    :param path: RETURNN config file
    :param cpu: cores of each training job, per node
    :param mem: memory per node, in GB
    :param time: time limit of a training job, in hours
    :param gpus: number of GPUs per node, which share the batches
    :param nodes: number of nodes of each training job
    """
    config, name = load_config(path), Path(path).stem
    rqmt = training_rqmt(cpu=cpu, mem=mem, time=time)
    training = trained(name, config, rqmt=rqmt, gpus=gpus, nodes=nodes)
    if asks_for_search(config):
        network = TrainedNetwork.of(training)
        data = None if config.values.get("search_data") else "dev"
        options = search_options(config, network.network, data, tk.Path)
        scoring = lay_out_search(name, config, options, network, rqmt=rqmt)
        report = ReportJob(
            title=name,
            phases=training.rows,
            scores=training.scores,
            growth=training.growth,
            word_errors=[scoring.out_rates] if scoring else [],
            words=scoring.out_words if scoring else None,
        )
        report.add_alias(f"{name}/report")
        tk.register_output(f"{name}/report.html", report.out_report)


def search(
    path: str,
    data: str | None = None,
    units: str | None = None,
    lexicon: str | None = None,
    remove: Sequence[str] = (),
    corpus: str | None = None,
    **rqmt: Any,
) -> None:
    """
    Trains, unless that is done, decodes a data set, and scores the words.

    :param path: RETURNN config file
    :param data: name of a data set of the file; None: `search_data`, or else `eval`, or else `dev`
    :param units: of the hypotheses: "words", "bpe", "sentencepiece", "characters" or "phonemes"; None: as the vocabulary says
    :param lexicon: pronunciations, for phonemes
    :param remove: units to remove before scoring, e.g. `</s>`
    :param corpus: Bliss corpus, for references and the times of segments
    :param rqmt: cpu, mem, time, gpus and nodes, as in `setup`
    """
    config, name = load_config(path), Path(path).stem
    requirements = requirements_of(**rqmt)
    network = TrainedNetwork.of(trained(name, config, **requirements))
    options = search_options(config, network.network, data, tk.Path)
    words = WordOptions(units, _file(lexicon), tuple(remove), _file(corpus))
    lay_out_search(name, config, options, network, words, requirements["rqmt"])


def forward(path: str, data: str | None = None, layers: str | dict[str, str] | None = None, **rqmt: Any) -> None:
    """
    Trains, unless that is done, and writes outputs of layers as an HDF data set.

    :param path: RETURNN config file
    :param data: name of a data set of the file; None: `eval`, or else `dev`
    :param layers: name of a layer, or stream of the file → name of a layer; None: `forward_output_layer`
    :param rqmt: cpu, mem, time, gpus and nodes, as in `setup`
    """
    config, name = load_config(path), Path(path).stem
    requirements = requirements_of(**rqmt)
    network = TrainedNetwork.of(trained(name, config, **requirements))
    lay_out_forward(name, config, network, data, layers, requirements["rqmt"])


def prior(path: str, data: str | None = None, **rqmt: Any) -> None:
    """
    Trains, unless that is done, and computes mean posteriors.

    :param path: RETURNN config file
    :param data: name of a data set of the file; None: `train`
    :param rqmt: cpu, mem, time, gpus and nodes, as in `setup`
    """
    config, name = load_config(path), Path(path).stem
    requirements = requirements_of(**rqmt)
    network = TrainedNetwork.of(trained(name, config, **requirements))
    lay_out_prior(name, config, network, data, requirements["rqmt"])


def trained(name: str, config: ReturnnConfig, **requirements: Any) -> Pipeline:
    """:return: the training jobs of a config"""
    training = lay_out(
        name,
        plan=lambda further_epochs: planned_with_data(config, further_epochs, tk.Path),
        config=training_config(config),
        extern_data=config.extern_data,
        train_data=data_description(config, "train", as_path=tk.Path),
        dev_data=data_description(config, "dev", as_path=tk.Path),
        function_options=function_options(config),
        **requirements,
    )
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
    return training


def requirements_of(cpu: int = 2, mem: float = 8, time: float = 24, gpus: int = 1, nodes: int = 1) -> dict[str, Any]:
    """:return: requirements of the jobs, as arguments of `lay_out`"""
    return {"rqmt": training_rqmt(cpu=cpu, mem=mem, time=time), "gpus": gpus, "nodes": nodes}


def _file(path: str | None) -> tk.Path | None:
    return tk.Path(str(Path(path).absolute())) if path else None
