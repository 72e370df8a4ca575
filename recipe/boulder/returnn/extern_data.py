"""Data streams of a config: `extern_data`, or the older options `num_inputs` and `num_outputs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from boulder.errors import ConfigError
from boulder.network.dims import MarkedDim
from boulder.returnn.config_object import Config
from boulder.returnn.provided.dims import Data, Dim
from boulder.training.option_kind import is_int


def extern_data(config: Config) -> dict[str, dict]:
    """
    :return: data key → {"dim": …, "sparse": …, "shape": …, …}, plain; {} if the config sets none of these options
    :raises ConfigError: for an entry that RETURNN does not accept either
    """
    default_input = config.value("default_input", "data")
    if config.has("extern_data"):
        entries = config.typed_value("extern_data")
        if not isinstance(entries, dict):
            raise ConfigError(f"extern_data: found {entries!r:.80}, expected a dict of data keys")
    else:
        entries = _from_num_inputs_outputs(config, default_input)
    result = {key: _entry(key, entry) for key, entry in entries.items()}
    for key, entry in result.items():
        entry.setdefault("available_for_inference", key == default_input)
    return result


def _from_num_inputs_outputs(config: Config, default_input: str) -> dict:
    num_inputs = config.int("num_inputs", 0)
    target = config.value("target", "classes")
    if config.is_typed("num_outputs"):
        outputs = config.typed_value("num_outputs")
        outputs = dict(outputs) if isinstance(outputs, dict) else {target: outputs}
        # an int abbreviates (dim, ndim): features for the key "data", labels for any other key
        entries = {key: (dim, 2 if key == "data" else 1) if is_int(dim) else dim for key, dim in outputs.items()}
        if "data" in entries:
            num_inputs = _entry("data", entries["data"]).get("dim")
    elif config.has("num_outputs"):
        entries = {target: (config.int("num_outputs", 0), 1)}
    else:
        entries = {}
    if not num_inputs:
        if entries and default_input not in entries:
            raise ConfigError("found num_outputs, but no num_inputs; expected extern_data, or both")
        return entries
    sparse = config.bool("sparse_input", False)
    entries.setdefault(default_input, (num_inputs, 1 if sparse else 2))
    return entries


def _entry(key: str, entry: object) -> dict:
    if isinstance(entry, Data):
        entry = entry.options
    if isinstance(entry, dict):
        return _with_sizes(entry)
    if not (isinstance(entry, list | tuple) and len(entry) == 2 and is_int(entry[0]) and is_int(entry[1])):
        raise ConfigError(f"extern_data[{key!r}]: found {entry!r:.80}, expected a dict, or (dim, ndim)")
    dim, ndim = entry
    if ndim < 1:
        raise ConfigError(f"extern_data[{key!r}]: found ndim {ndim}, expected 1 for labels, 2 for features")
    if ndim == 1:
        return {"dim": dim, "shape": (None,), "sparse": True}
    return {"dim": dim, "shape": (*(None,) * (ndim - 1), dim)}


def _with_sizes(entry: dict) -> dict:
    """:return: the entry with sizes of its axes, as data readers need them, and with its `Dim`s, as networks do"""
    result = {k: v for k, v in entry.items() if k not in ("dims", "dim_tags", "sparse_dim", "feature_dim", "batch")}
    axes = entry.get("dims") or entry.get("dim_tags")
    if axes and any(isinstance(axis, Dim) for axis in axes):
        result["dim_tags"] = list(axes)
    if isinstance(entry.get("sparse_dim"), Dim):
        result["sparse_dim"] = entry["sparse_dim"]
    sparse_dim, feature = entry.get("sparse_dim"), entry.get("feature_dim")
    if axes:
        axes = [axis for axis in axes if not (isinstance(axis, Dim) and axis.is_batch_dim())]
        result.setdefault("shape", tuple(axis.dimension if isinstance(axis, Dim) else axis for axis in axes))
        features = [axis for axis in axes if isinstance(axis, Dim) and axis.kind == Dim.Types.Feature]
        feature = feature or (features[-1] if features else axes[-1] if len(axes) > 1 else None)
    if sparse_dim is not None:
        result["sparse"] = True
        result.setdefault("dim", sparse_dim.dimension if isinstance(sparse_dim, Dim) else sparse_dim)
    elif isinstance(feature, Dim) and not result.get("sparse"):
        result.setdefault("dim", feature.dimension)
    if isinstance(result.get("dim"), Dim):
        result["dim"] = result["dim"].dimension
    return result


def for_networks(streams: Mapping[str, Any], networks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    :param networks: net dicts that read the data streams
    :return: the data streams with what can change what the networks compute: without `vocab`, which names labels, and without
        `Dim`s if no network names one
    """
    left_out = {"vocab"} if any(map(_names_dim, networks)) else {"vocab", "dim_tags", "sparse_dim"}
    return {
        key: {option: value for option, value in stream.items() if option not in left_out}
        for key, stream in streams.items()
    }


def _names_dim(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_names_dim(key) or _names_dim(item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_names_dim, value))
    return isinstance(value, Dim | MarkedDim)
