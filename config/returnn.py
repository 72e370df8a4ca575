"""Trains the phases of a RETURNN config file as jobs, and runs the network over other data.

    boulder plan path/to/file.config                               shows the phases, and what cannot be trained
    boulder run path/to/file.config                                trains them; decodes if the file has options of a search
    boulder search path/to/file.config                             decodes a data set, and scores the words
    boulder run "config/returnn.forward('path/to/file.config')"    writes the output of a layer as an HDF data set
    boulder run "config/returnn.prior('path/to/file.config')"      writes mean posteriors

    boulder run path/to/file.config --train my.hdf --dev dev.hdf             trains on other data
    boulder run "config/returnn.dump('path/to/file.config', data='train')"   writes a data set as HDF files

Boulder must support the layers (docs/experiment.md), the options (docs/returnn_options.md) and the data sets (docs/data.md) of
the file. Aliases and outputs are named after it: alias/file/phase.00, …, output/file/checkpoint.h5. docs/search.md describes
`search`, `forward` and `prior`. They train nothing if the file names a checkpoint by `load`, and nothing again that is trained
already.
"""

from collections.abc import Sequence
from pathlib import Path

from boulder.errors import BoulderError, ConfigError
from boulder.returnn import ReturnnConfig, load_config
from boulder.returnn.notices import Notice
from boulder.returnn.search_options import SearchOptions, asks_for_search, search_options
from boulder.returnn.tasks import task_network
from boulder.training.dump_files import output_name
from jobs.checkpoint_choice import CheckpointChoice
from jobs.dump_hdf import DumpHdfJob
from jobs.experiment import Data
from jobs.files_of_configs import file_of_config
from jobs.forward import ForwardJob
from jobs.laid_out import Pipeline
from jobs.notices import keep_notices, kept_notices
from jobs.pipeline import lay_out
from jobs.prior import PriorJob
from jobs.report import ReportJob
from jobs.returnn_tasks import TrainedNetwork, WordOptions, lay_out_dump, lay_out_forward, lay_out_prior, lay_out_search
from jobs.rqmt import training_rqmt
from jobs.word_scoring import WordScoringJob
from sisyphus import tk


def setup(
    path: str,
    cpu: int = 2,
    mem: float = 8,
    time: float = 24,
    gpus: int = 1,
    nodes: int = 1,
    train: Data | None = None,
    dev: Data | None = None,
) -> None:
    """
    Trains. If the file has `search_data`, `search_output_layer` or `search_output_file`, also decodes `search_data`, or else
    `dev`, scores the words, and writes a report.

    :param path: RETURNN config file
    :param cpu: cores of each training job, per node
    :param mem: memory per node, in GB
    :param time: time limit of a training job, in hours
    :param gpus: number of GPUs per node, which share the batches
    :param nodes: number of nodes of each training job
    :param train: data to train on in place of all data sets of the file, those of its `#config` included: a path, a list of
        paths of HDF files, or a dict of a data set
    :param dev: data to score in place of `dev`; [] for none
    """
    config, name = _config_on(path, train, dev), Path(path).stem
    training = trained(config, name, cpu, mem, time, gpus, nodes)
    network = TrainedNetwork.of(training)
    found = _search_after_training(config, name, network) if asks_for_search(config) else None
    if found:
        options, network = found
        scoring = lay_out_search(name, config, options, network, rqmt=training_rqmt(cpu=cpu, mem=mem, time=time))
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
    checkpoint: str | int = "last",
    data: str | None = None,
    units: str | None = None,
    remove: Sequence[str] = (),
    lexicon: str | None = None,
    corpus: str | None = None,
    cpu: int = 2,
    mem: float = 8,
    time: float = 24,
    train: Data | None = None,
    dev: Data | None = None,
) -> WordScoringJob | None:
    """
    Decodes a data set, and scores the words.

    :param path: RETURNN config file
    :param checkpoint: see `network_of`
    :param data: name of a data set of the file; None: `search_data`, or else `eval`, or else `dev`
    :param units: of the hypotheses: "words", "bpe", "sentencepiece", "characters" or "phonemes"; None: as the vocabulary says
    :param remove: units to remove before scoring, e.g. `["</s>"]`
    :param lexicon: pronunciations, for phonemes
    :param corpus: Bliss corpus, for references and the times of segments
    :param cpu: cores of each job; `mem`, `time`, `train` and `dev` as in `setup`
    :return: the scoring job; None if there are no references
    """
    config, name = _config_on(path, train, dev), Path(path).stem
    network = network_of(config, name, checkpoint, cpu, mem, time)
    options = search_options(config, network.network, data, tk.Path)
    words = WordOptions(units, _file(lexicon, "lexicon"), tuple(remove), _file(corpus, "corpus"))
    return lay_out_search(name, config, options, network, words, training_rqmt(cpu=cpu, mem=mem, time=time))


def forward(
    path: str,
    checkpoint: str | int = "last",
    data: str | None = None,
    layers: str | dict[str, str] | None = None,
    cpu: int = 2,
    mem: float = 8,
    time: float = 24,
    train: Data | None = None,
    dev: Data | None = None,
) -> ForwardJob:
    """
    Writes outputs of layers as an HDF data set.

    :param path: RETURNN config file
    :param checkpoint: see `network_of`
    :param data: name of a data set of the file; None: `eval`, or else `dev`
    :param layers: name of a layer; or stream of the data set to write → name of a layer; None: `forward_output_layer`
    :param cpu: cores of each job; `mem`, `time`, `train` and `dev` as in `setup`
    :return: the job, whose `out_hdf` is a data set for others
    """
    config, name = _config_on(path, train, dev), Path(path).stem
    network = network_of(config, name, checkpoint, cpu, mem, time)
    return lay_out_forward(name, config, network, data, layers, training_rqmt(cpu=cpu, mem=mem, time=time))


def dump(path: str, data: str = "train", shards: int = 1, cpu: int = 2, mem: float = 8, time: float = 24) -> DumpHdfJob:
    """
    Writes a data set as HDF files.

    :param path: RETURNN config file
    :param data: name of a data set of the file
    :param shards: number of HDF files
    :param cpu: cores of the job; `mem` and `time` as in `setup`
    :return: the job, whose `out_hdf` is a data set for others
    """
    return lay_out_dump(Path(path).stem, load_config(path), data, shards, training_rqmt(cpu=cpu, mem=mem, time=time))


def prior(
    path: str,
    checkpoint: str | int = "last",
    data: str | None = None,
    cpu: int = 2,
    mem: float = 8,
    time: float = 24,
    train: Data | None = None,
    dev: Data | None = None,
) -> PriorJob:
    """
    Writes the mean posteriors of a data set.

    :param path: RETURNN config file
    :param checkpoint: see `network_of`
    :param data: name of a data set of the file; None: `train`
    :param cpu: cores of each job; `mem`, `time`, `train` and `dev` as in `setup`
    """
    config, name = _config_on(path, train, dev), Path(path).stem
    network = network_of(config, name, checkpoint, cpu, mem, time)
    return lay_out_prior(name, config, network, data, training_rqmt(cpu=cpu, mem=mem, time=time))


def network_of(
    config: ReturnnConfig, name: str, checkpoint: str | int, cpu: int, mem: float, time: float
) -> TrainedNetwork:
    """
    :param checkpoint: "last": that of `load`, or else the last one of the training, which is laid out. "best", "best:SCORE",
        "average:N" of the last ones, "average_best:N", or the number of an epoch: of the training. Or a file of Boulder or
        RETURNN
    :return: the network that a task uses
    """
    choice = CheckpointChoice.of(checkpoint)
    if choice is None or choice.kind == "last":
        found = task_network(config, tk.Path, None if choice else str(Path(str(checkpoint)).absolute()))
        if found.sources is not None:
            return TrainedNetwork.loaded(config, found)
    if config.values.get("task", "train") != "train":
        task, config = config, load_config(config.file, {"task": "train"})
        config.train_on({key: value or [] for key, value in task.own_data.items()}, Path())
    return TrainedNetwork.of(trained(config, name, cpu, mem, time, choice=choice), choice).preloaded(config)


def trained(
    config: ReturnnConfig,
    name: str,
    cpu: int,
    mem: float,
    time: float,
    gpus: int = 1,
    nodes: int = 1,
    choice: CheckpointChoice | None = None,
) -> Pipeline:
    """
    :param choice: the checkpoint to keep, besides those that the config keeps
    :return: the training jobs of a config
    """
    training = config.training(file_of_config, networks=True)
    keep_notices(name, [*config.own_data_notices, *training.notices])
    arguments = choice.keeping(training.arguments()) if choice else training.arguments()
    laid_out = lay_out(name, **arguments, rqmt=training_rqmt(cpu=cpu, mem=mem, time=time), gpus=gpus, nodes=nodes)
    tk.register_output(f"{name}/checkpoint.h5", laid_out.checkpoint)
    for file, path in laid_out.out_hdf.items():
        tk.register_output(f"{name}/hdf/{output_name(file)}", path)
    return laid_out


def _config_on(path: str, train: Data | None, dev: Data | None) -> ReturnnConfig:
    """:return: the config, with other data if that is given"""
    config = load_config(path)
    config.train_on({"train": train, "dev": dev}, Path.cwd())
    return config


def _search_after_training(
    config: ReturnnConfig, name: str, network: TrainedNetwork
) -> tuple[SearchOptions, TrainedNetwork] | None:
    """
    :return: options of the search, and the network that searches; None if it is not possible, which does not keep a config
        from being trained
    """
    data = None if config.values.get("search_data") else "dev"
    try:
        return search_options(config, network.network, data, tk.Path), network.preloaded(config)
    except BoulderError as error:
        keep_notices(name, [*kept_notices()[name], Notice("search", f"is not laid out: {error}")])
        return None


def _file(path: str | None, argument: str) -> tk.Path | None:
    if path and not Path(path).is_file():
        raise ConfigError(f"{argument}: found {path!r}, expected a file that exists")
    return tk.Path(str(Path(path).absolute())) if path else None
