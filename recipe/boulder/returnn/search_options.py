"""What a RETURNN config says about search, forwarding and priors: the options of its tasks `search`, `forward` and `compute_priors`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from boulder.errors import BoulderError, ConfigError, nearest
from boulder.network import NetworkSpec, describe
from boulder.network.template import Template
from boulder.returnn.config import ReturnnConfig
from boulder.returnn.training import data_description
from boulder.search.data_pass import layer_of
from boulder.search.hypotheses import check_format
from boulder.search.labels import vocabulary_description

AsPath = Callable[[str], object]
"""Makes a path object of a file."""

_UNITS_OF_CLASS = {"SentencePieces": "sentencepiece", "CharacterTargets": "characters", "Utf8ByteTargets": "characters"}
_DATA_SETS = ("train", "dev", "eval")
_DEFAULT_BATCH_SIZE = 5000  # RETURNN's is 1: a sequence in a batch, with the same result


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Sizes of batches, which do not change the results."""

    batch_size: int | dict[str, int] = _DEFAULT_BATCH_SIZE
    max_seqs: int | None = None


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


def asks_for_search(config: ReturnnConfig) -> bool:
    """:return: whether the config has an option of the search, so that a pipeline of it ends with a search"""
    options = ("search_data", "search_output_layer", "search_output_file")
    return any(config.values.get(option) for option in options) or config.values.get("task") == "search"


def search_options(
    config: ReturnnConfig, network: Mapping[str, Any], data: str | None = None, as_path: AsPath = str
) -> SearchOptions:
    """
    :param network: net dict that searches
    :param data: name of a data set of the config; None: `search_data`, or else `eval`, or else `dev`
    :param as_path: makes a path object of a file
    :raises BoulderError: for a wrong option, or a network that cannot search
    """
    values = config.values
    name, description = _data(config, "search_data", data, as_path)
    output_layer: Any = values.get("search_output_layer") or "output"
    layers = list(output_layer) if isinstance(output_layer, list | tuple) else [output_layer]
    if not all(isinstance(layer, str) for layer in layers):
        raise ConfigError(f"{config.file}: 'search_output_layer': found {output_layer!r:.60}, expected names of layers")
    file_format = str(values.get("search_output_file_format") or "txt")
    with _named(config, ""):
        check_format(file_format, "'search_output_file_format'", len(layers))
    with _named(config, "search: "):
        spec = describe(dict(network), config.extern_data, mode="search")
        templates = {layer: layer_of(spec, layer).template for layer in layers}
    streams = {layer: _stream_of(config, network, spec, layer, template) for layer, template in templates.items()}
    texts = {layer: _text_source(config, stream, as_path) for layer, stream in streams.items() if stream}
    first = layers[0]
    ctc = len(layers) == 1 and templates[first].sparse_dim is None and _loss(spec, first) == "ctc"
    scored = len(layers) == 1 and (ctc or templates[first].sparse_dim is not None) and first in texts
    file = PurePath(str(values.get("search_output_file") or f"search.{name}.{file_format}"))
    return SearchOptions(
        data_name=name,
        data=description,
        output_layer=first if isinstance(output_layer, str) else layers,
        texts=texts,
        ctc=ctc,
        references=texts[first] if scored and config.config.bool("search_do_eval", True) else None,
        units=_units(config, streams[first]),
        file_name=file.name.removesuffix(".gz"),
        file_format=file_format,
        batches=batch_options(config),
    )


def batch_options(config: ReturnnConfig, key: str = "batch_size") -> BatchOptions:
    """
    :param key: option with the size in frames; `batch_size` stands in for it
    :raises ConfigError: for a size that is not positive
    """
    values = config.values
    size: Any = values.get(key) or values.get("batch_size") or _DEFAULT_BATCH_SIZE
    sizes = size.values() if isinstance(size, Mapping) else [size]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sizes):
        raise ConfigError(f"{config.file}: {key!r}: found {size!r:.60}, expected a positive number of frames")
    max_seqs = config.config.int("max_seqs", -1) or -1
    return BatchOptions(batch_size=size, max_seqs=None if max_seqs < 1 else max_seqs)


def forward_data(config: ReturnnConfig, data: str | None = None, as_path: AsPath = str) -> tuple[str, dict[str, Any]]:
    """
    :param data: name of a data set of the config; None: `eval`, or else `dev`
    :return: name and description of the data set that the tasks `forward` read
    :raises ConfigError: for an option of RETURNN's that has another meaning there
    """
    if callback := config.config.typed_dict.get("forward_callback"):
        raise ConfigError(
            f"{config.file}: 'forward_callback': found {callback!r:.60}; Boulder writes the outputs of layers, chosen by "
            "'forward_output_layer'"
        )
    return _data(config, "", data, as_path)


def prior_data(config: ReturnnConfig, data: str | None = None, as_path: AsPath = str) -> tuple[str, dict[str, Any]]:
    """
    :param data: name of a data set of the config; None: `train`
    :return: name and description of the data set of a prior
    """
    return _data(config, "", data or "train", as_path)


def forward_layer(config: ReturnnConfig, network: Mapping[str, Any], search: bool = False) -> str:
    """
    :return: name of the layer that the tasks `forward` and `compute_priors` read
    :raises NetworkError: if it does not exist
    """
    layer = str(config.values.get("forward_output_layer") or "output")
    with _named(config, "'forward_output_layer': "):
        layer_of(describe(dict(network), config.extern_data, mode="search" if search else "eval"), layer)
    return layer


def _data(config: ReturnnConfig, option: str, name: str | None, as_path: AsPath) -> tuple[str, dict[str, Any]]:
    """
    :param option: of the config, that names or describes the data set; "" for none
    :return: name and description
    """
    values = {**config.config.typed_dict, **config.values}
    value: Any = values.get(option) if option and name is None else name
    if value is None:
        value = next((key for key in ("eval", "dev") if values.get(key)), "eval")
    if isinstance(value, str):
        key = value.removeprefix("config:")
        described = {**values, **_others(values)}.get(key)
        if not described:
            known = [key for key in (*_DATA_SETS, *_others(values)) if values.get(key)]
            raise ConfigError(
                f"{config.file}: {option or 'data'}: found {value!r}, which is no data set of the config, expected "
                f"{', '.join(known) or 'a dict'}{nearest(key, known)}"
            )
    else:
        key, described = option, value
    description = data_description(config, key, {key: described}, as_path)
    assert description is not None  # it is not empty
    return key.removesuffix("_data"), description


def _others(values: Mapping[str, Any]) -> dict[str, Any]:
    """:return: name → description, of `eval_datasets` and of variables of the config that describe data sets"""
    of_eval = values.get("eval_datasets")
    variables = {key: value for key, value in values.items() if isinstance(value, dict) and "class" in value}
    return variables | (of_eval if isinstance(of_eval, dict) else {})


def _stream_of(
    config: ReturnnConfig, network: Mapping[str, Any], spec: NetworkSpec, layer: str, template: Template
) -> str | None:
    """:return: the data stream whose labels the layer's classes are, as RETURNN finds it; None if there is none"""
    target = getattr(spec.layers[layer].layer, "target", None)
    default = str(config.values.get("target") or "classes")
    labels = {key: stream for key, stream in spec.extern_data.items() if stream.sparse_dim is not None}
    if template.sparse_dim is None and not target:
        return default if default in labels and _loss(spec, layer) == "ctc" else None
    outputs = [key for key in labels if not config.extern_data[key].get("available_for_inference")]
    fitting = [key for key in outputs if labels[key].sparse_dim == template.dim]
    candidates = [target, default if template.sparse_dim is not None else None, *fitting]
    return next((key for key in candidates if key in labels), None)


def _loss(spec: NetworkSpec, layer: str) -> str | None:
    return spec.layers[layer].layer.loss


def _text_source(config: ReturnnConfig, stream: str, as_path: AsPath) -> dict[str, Any]:
    vocab = config.extern_data[stream].get("vocab")
    if not vocab:
        return {"stream": stream}
    folder = config.file.absolute().parent
    with _named(config, ""):
        described = vocabulary_description(
            vocab, f"extern_data[{stream!r}]: 'vocab'", lambda file: as_path(str(folder / file))
        )
    return {"stream": stream, "vocabulary": described}


def _units(config: ReturnnConfig, stream: str | None) -> str:
    """:return: of the labels of a stream, see `boulder.search.words`"""
    vocab = config.extern_data[stream].get("vocab") if stream else None
    if not isinstance(vocab, Mapping):
        return "words"
    of_class = _UNITS_OF_CLASS.get(str(vocab.get("class")))
    return of_class or ("bpe" if vocab.get("bpe_file") else "words")


class _named:
    """Context in which errors begin with the name of the config file."""

    def __init__(self, config: ReturnnConfig, where: str) -> None:
        self.prefix = f"{config.file}: {where}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BoulderError):
            raise type(error)(f"{self.prefix}{error}") from error
