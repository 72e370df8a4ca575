"""What a RETURNN config says about its task `search`: `search_options`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from boulder.errors import ConfigError
from boulder.network import NetworkSpec
from boulder.network.layer_output import layer_of
from boulder.network.template import Template
from boulder.returnn.source import Source
from boulder.returnn.tasks import BatchOptions, batch_options, data_of_task, described, named
from boulder.returnn.training import AsPath, given_options
from boulder.search.hypotheses import check_format
from boulder.search.labels import vocabulary_description

_UNITS_OF_CLASS = {
    "BytePairEncoding": "bpe",
    "SamplingBytePairEncoding": "bpe",
    "SentencePieces": "sentencepiece",
    "CharacterTargets": "characters",
    "Utf8ByteTargets": "characters",
}


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """
    :param data_name: e.g. "dev"
    :param data: description of the data set
    :param output_layer: name of a layer, or a list of names
    :param texts: layer → its names of classes, see `jobs.returnn_search.ReturnnSearchJob`
    :param ctc: whether the layer is decoded by the best label of each frame, since the network has no search of its own
    :param references: "stream" and "vocabulary" of the right labels; None: the hypotheses are not scored
    :param units: of the hypotheses, see `boulder.search.words`
    :param file_name: name of the file with the hypotheses
    :param file_format: "py" or "txt"
    """

    data_name: str
    data: dict[str, Any]
    output_layer: str | list[str]
    texts: dict[str, dict[str, Any]]
    ctc: bool
    references: dict[str, Any] | None
    units: str
    file_name: str
    file_format: str
    batches: BatchOptions = field(default_factory=BatchOptions)


def asks_for_search(config: Source) -> bool:
    """:return: whether the config has an option of the search, so that a pipeline of it ends with a search"""
    options = given_options(config)
    return any(options.get(option) for option in ("search_data", "search_output_layer", "search_output_file"))


def search_options(
    config: Source, network: Mapping[str, Any], data: str | None = None, as_path: AsPath = str
) -> SearchOptions:
    """
    :param network: net dict that searches
    :param data: name of a data set of the config; None: `search_data`, or else `eval`, or else `dev`
    :param as_path: makes a path object of a file
    :raises BoulderError: for a wrong option, or a network that cannot search
    """
    options = given_options(config)
    name, description = data_of_task(config, "search_data", ("eval", "dev"), data, as_path)
    output_layer: Any = options.get("search_output_layer") or "output"
    layers = list(output_layer) if isinstance(output_layer, list | tuple) else [output_layer]
    file_format = str(options.get("search_output_file_format") or "txt")
    with named(config):
        if not layers or not all(isinstance(layer, str) for layer in layers):
            raise ConfigError(f"'search_output_layer': found {output_layer!r:.60}, expected names of layers")
        check_format(file_format, "'search_output_file_format'", len(layers))
    with named(config, "search: "):
        spec = described(config, network, search=True)
        templates = {layer: layer_of(spec, layer).template for layer in layers}
    first = layers[0]
    ctc = len(layers) == 1 and templates[first].sparse_dim is None and _loss(spec, first) == "ctc"
    streams = {layer: _stream_of(options, config, spec, layer, template) for layer, template in templates.items()}
    texts = {layer: _text_source(config, stream, as_path) for layer, stream in streams.items() if stream}
    scored = len(layers) == 1 and (ctc or templates[first].sparse_dim is not None) and first in texts
    return SearchOptions(
        data_name=name,
        data=description,
        output_layer=first if isinstance(output_layer, str) else layers,
        texts=texts,
        ctc=ctc,
        references=texts[first] if scored and config.config.bool("search_do_eval", True) else None,
        units=_units(config, streams[first]),
        file_name=_file_name(options, f"search.{name}.{file_format}"),
        file_format=file_format,
        batches=batch_options(config),
    )


def _file_name(options: Mapping[str, object], default: str) -> str:
    """:return: without `.gz`, for which RETURNN compresses the file, since the output of the job is not compressed"""
    return PurePath(str(options.get("search_output_file") or default)).name.removesuffix(".gz")


def _stream_of(
    options: Mapping[str, object], config: Source, spec: NetworkSpec, layer: str, template: Template
) -> str | None:
    """:return: the data stream whose labels the layer's classes are, as RETURNN finds it; None if there is none"""
    labels = {key: stream for key, stream in spec.extern_data.items() if stream.sparse_dim is not None}
    target, default = spec.layers[layer].layer.target, str(options.get("target") or "classes")
    if template.sparse_dim is None:
        candidates = [target or default] if _loss(spec, layer) == "ctc" else []
    else:
        outputs = [key for key in labels if not config.extern_data[key].get("available_for_inference")]
        fitting = [key for key in outputs if labels[key].sparse_dim == template.sparse_dim]
        candidates = [*([target] if target else []), default, *fitting]
    return next((key for key in candidates if key in labels), None)


def _loss(spec: NetworkSpec, layer: str) -> str | None:
    return spec.layers[layer].layer.loss


def _text_source(config: Source, stream: str, as_path: AsPath) -> dict[str, Any]:
    """:return: the fields of `boulder.search.layer_text.TextSource`"""
    vocab = config.extern_data[stream].get("vocab")
    if not vocab:
        return {"stream": stream}
    folder = config.file.absolute().parent
    with named(config):
        where = f"extern_data[{stream!r}]: 'vocab'"
        described = vocabulary_description(vocab, where, lambda file: as_path(str(folder / file)))
    return {"stream": stream, "vocabulary": described}


def _units(config: Source, stream: str | None) -> str:
    """:return: of the labels of a stream, see `boulder.search.words`"""
    vocab = config.extern_data[stream].get("vocab") if stream else None
    if not isinstance(vocab, Mapping):
        return "words"
    of_class = _UNITS_OF_CLASS.get(str(vocab.get("class")))
    return of_class or ("bpe" if vocab.get("bpe_file") else "words")
