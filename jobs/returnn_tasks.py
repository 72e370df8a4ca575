"""Lays out the jobs of RETURNN's tasks `search`, `forward` and `compute_priors` for a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.returnn.extern_data import for_networks
from boulder.returnn.search_options import SearchOptions
from boulder.returnn.source import Source
from boulder.returnn.starting_point import preloads
from boulder.returnn.tasks import TaskNetwork, batch_options, data_of_task, forward_layer, named
from boulder.schedule.canonical import canonical
from boulder.search.words import check_units
from jobs.checkpoint_choice import CheckpointChoice
from jobs.dump_hdf import DumpHdfJob
from jobs.forward import ForwardJob
from jobs.import_checkpoint import ImportCheckpointJob
from jobs.laid_out import Pipeline
from jobs.prior import PriorJob
from jobs.references import ReferencesJob
from jobs.returnn_search import ReturnnSearchJob
from jobs.starting_point import StartingPoint
from jobs.word_scoring import WordScoringJob
from jobs.words import WordsJob
from sisyphus import tk


@dataclass(frozen=True)
class TrainedNetwork:
    """
    :param checkpoint: contains its network
    :param network: the net dict, for checks
    :param functions: those in the net dict of the checkpoint, by digest
    :param label: added to names of outputs, to tell the checkpoints of a pipeline apart; "" for the last one
    """

    checkpoint: tk.Path
    network: Mapping[str, Any]
    functions: dict[str, dict] = field(default_factory=dict)
    label: str = ""

    @classmethod
    def loaded(cls, config: Source, loaded: TaskNetwork) -> TrainedNetwork:
        """
        :param loaded: with sources
        :raises BoulderError: for a wrong source
        """
        functions: dict[str, dict] = {}
        network: Any = canonical(loaded.network, functions)
        start = StartingPoint.of(loaded.sources)
        with named(config):
            start.check_network(describe(loaded.network, config.extern_data))
        job = ImportCheckpointJob(
            sources=[source.to_json() for source in start.sources],
            network=network,
            extern_data=_streams(config, loaded.network),
            epoch=loaded.epoch,
            functions=functions,
        )
        return cls(job.out_checkpoint, loaded.network, functions)

    @classmethod
    def of(cls, training: Pipeline, choice: CheckpointChoice | None = None) -> TrainedNetwork:
        """
        :param choice: None: the last checkpoint
        :raises ConfigError: if the training does not keep it
        """
        network = training.plan.phases[-1].network
        if choice is None:
            return cls(training.checkpoint, network, training.functions)
        return cls(choice.in_training(training), network, training.functions, choice.label)

    def preloaded(self, config: Source) -> TrainedNetwork:
        """
        :return: the network with the parameters that `preload_from_files` of the config names for other tasks than training
        :raises BoulderError: for a wrong entry
        """
        sources = preloads(config, tk.Path, for_training=False)
        if not sources:
            return self
        own = {"checkpoint": self.checkpoint, "keep_step": True}
        found = TaskNetwork(network=dict(self.network), sources=[*sources, own], epoch=0)
        return replace(TrainedNetwork.loaded(config, found), label=self.label)

    def arguments(self) -> dict[str, Any]:
        """:return: arguments of a `NetworkPassJob`"""
        return {"checkpoint": self.checkpoint, "functions": self.functions}


@dataclass(frozen=True)
class WordOptions:
    """
    How words are made of hypotheses, and what they are scored against.

    :param units: see `boulder.search.words`; None: as the vocabulary says
    :param lexicon: see `jobs.words.WordsJob`
    :param remove: units to remove
    :param corpus: Bliss corpus, for references and times
    """

    units: str | None = None
    lexicon: tk.Path | None = None
    remove: tuple[str, ...] = ()
    corpus: tk.Path | None = None

    def __post_init__(self) -> None:
        """:raises ConfigError: for unknown units, and for phonemes without a lexicon"""
        if self.units is not None:
            check_units(self.units, with_lexicon=self.lexicon is not None)


def lay_out_search(
    name: str,
    config: Source,
    options: SearchOptions,
    trained: TrainedNetwork,
    words: WordOptions | None = None,
    rqmt: dict[str, Any] | None = None,
) -> WordScoringJob | None:
    """
    Registers the hypotheses under `NAME/FILE`, and, if there are references, the error rate as `NAME/wer.DATA.txt`.

    :param name: of the pipeline
    :return: the scoring job, if there are references
    """
    words = words or WordOptions()
    part = ".".join(filter(None, [trained.label, options.data_name]))
    search = ReturnnSearchJob(
        **trained.arguments(),
        extern_data=_streams(config, trained.network),
        data=options.data,
        output_layer=options.output_layer,
        texts=options.texts,
        ctc=options.ctc,
        batch_size=options.batches.batch_size,
        max_seqs=options.batches.max_seqs,
        rqmt=rqmt,
    )
    search.add_alias(f"{name}/search.{part}")
    found = search.out_search_file if options.file_format == "py" else search.out_search_txt_file
    tk.register_output("/".join(filter(None, [name, trained.label, options.file_name])), found)
    if options.references is None and words.corpus is None:
        return None
    scoring = WordScoringJob(
        hypotheses=_as_words(search.out_search_file, options, words),
        references=_references(config, options, words),
        corpus=words.corpus,
        name=part,
    )
    scoring.add_alias(f"{name}/scoring.{part}")
    tk.register_output(f"{name}/wer.{part}.txt", scoring.out_summary)
    return scoring


def _references(config: Source, options: SearchOptions, words: WordOptions) -> tk.Path | None:
    if words.corpus is not None or options.references is None:
        return None  # those of the corpus
    job = ReferencesJob(data=options.data, extern_data=_streams(config), **options.references)
    return _as_words(job.out_references, options, words)


def _as_words(texts: tk.Path, options: SearchOptions, words: WordOptions) -> tk.Path:
    units = words.units or ("phonemes" if words.lexicon is not None else options.units)
    if units == "words" and not words.remove:
        return texts
    return WordsJob(texts=texts, units=units, lexicon=words.lexicon, remove=words.remove).out_words


def lay_out_dump(
    name: str, config: Source, data: str, shards: int = 1, rqmt: dict[str, Any] | None = None
) -> DumpHdfJob:
    """
    Registers the files as `NAME/dump.DATA.000.hdf`, ….

    :param data: name of a data set of the config
    :param shards: number of files
    """
    data_name, description = data_of_task(config, "", (data,), data, tk.Path)
    if type(shards) is not int or shards < 1:
        raise ConfigError(f"shards: found {shards!r}, expected the number of HDF files, at least 1")
    job = DumpHdfJob(data=description, extern_data=_streams(config) or None, shards=shards, rqmt=rqmt)
    job.add_alias(f"{name}/dump.{data_name}")
    for number, path in enumerate(job.out_hdf):
        tk.register_output(f"{name}/dump.{data_name}.{number:03d}.hdf", path)
    return job


def lay_out_forward(
    name: str,
    config: Source,
    trained: TrainedNetwork,
    data: str | None = None,
    layers: str | dict[str, str] | None = None,
    rqmt: dict[str, Any] | None = None,
) -> ForwardJob:
    """
    Registers the file as `NAME/forward.DATA.hdf`.

    :param data: name of a data set of the config; None: `eval`, or else `dev`
    :param layers: see `ForwardJob`; None: `forward_output_layer`
    """
    data_name, description = data_of_task(config, "", ("eval", "dev"), data, tk.Path)
    with_search = config.config.bool("forward_use_search", False)
    job = ForwardJob(
        **trained.arguments(),
        extern_data=_streams(config, trained.network),
        data=description,
        layers=_checked_layers(config, trained, with_search, layers),
        search=with_search,
        **asdict(batch_options(config, "forward_batch_size")),
        rqmt=rqmt,
    )
    part = ".".join(filter(None, [trained.label, data_name]))
    job.add_alias(f"{name}/forward.{part}")
    tk.register_output(f"{name}/forward.{part}.hdf", job.out_hdf)
    return job


def _checked_layers(
    config: Source, trained: TrainedNetwork, search: bool, layers: str | dict[str, str] | None
) -> str | dict[str, str]:
    """:return: what `ForwardJob` forwards"""
    if layers is None or isinstance(layers, str):
        return forward_layer(config, trained.network, search, layers)
    if not isinstance(layers, Mapping) or not all(isinstance(layer, str) for layer in layers.values()):
        raise ConfigError(f"layers: found {layers!r:.60}, expected the name of a layer, or a dict: stream → layer")
    for layer in layers.values():
        if not layer.startswith("data:"):
            forward_layer(config, trained.network, search, layer)
    return layers


def lay_out_prior(
    name: str,
    config: Source,
    trained: TrainedNetwork,
    data: str | None = None,
    rqmt: dict[str, Any] | None = None,
) -> PriorJob:
    """
    Registers the files as `NAME/prior.txt` and `NAME/prior.xml`.

    :param data: name of a data set of the config; None: `train`
    """
    _, description = data_of_task(config, "", ("train",), data, tk.Path)
    job = PriorJob(
        **trained.arguments(),
        extern_data=_streams(config, trained.network),
        data=description,
        output_layer=forward_layer(config, trained.network),
        **asdict(batch_options(config)),
        rqmt=rqmt,
    )
    part = ".".join(filter(None, ["prior", trained.label]))
    job.add_alias(f"{name}/{part}")
    tk.register_output(f"{name}/{part}.txt", job.out_prior_txt_file)
    tk.register_output(f"{name}/{part}.xml", job.out_prior_xml_file)
    return job


def _streams(config: Source, *networks: Mapping[str, Any]) -> dict[str, Any]:
    """:return: `extern_data` as plain JSON, as far as the networks depend on it"""
    plain: Any = canonical(for_networks(config.extern_data, networks))
    return plain
