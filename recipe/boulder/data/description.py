"""Descriptions of data sets: plain JSON such as `{"class": "HDFDataset", "files": ["train.hdf"]}`.

A description enters the hash of a job. Its files may be path objects of the job manager, which have a method `get_path`;
they are resolved when the data set is opened. Functions become `FunctionByValue`, which enter a hash by their source and
captured values; `with_digests` is the JSON.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from boulder.data.dataset import Dataset, dataset_classes
from boulder.data.of_returnn.returnn_description import is_for_returnn, nearest_class, returnn_description
from boulder.data.order.order_options import OF_ORDER
from boulder.data.order.sequence_order import OrderKind
from boulder.data.streams import default_input, read_extern_data
from boulder.errors import DataError, named, nearest
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import FunctionByValue

_OF_PATHS = "HDFDataset"  # the class of a path, or a list of paths, given without a class


def canonical_description(
    description: object, where: str = "data set", as_path: Callable[[str], object] = str, ordered: bool = True
) -> dict[str, Any]:
    """
    :param description: a dict, or a path or a list of paths for an HDF data set
    :param where: context for error messages
    :param as_path: makes a path object of a file that is given as a string
    :param ordered: False: the order has no effect on the use of the data, so its options are left out, unless they decide
        which sequences an epoch has
    :return: the description as plain JSON with paths in it, without options at their default or None. With an order that
        reads lengths or random numbers it has `random_seed_offset` even so: that option was added when these orders became
        RETURNN's, so that jobs of earlier orders have other ids
    :raises DataError: for an unknown class or option, with the nearest name, a missing option, or a wrong value
    """
    plain = _canonical(description, where, as_path, ordered)
    if "seq_ordering" in plain and not OrderKind.parse(plain["seq_ordering"]).is_by_index:
        plain.setdefault("random_seed_offset", 0)
    return plain


def _canonical(
    description: object,
    where: str,
    as_path: Callable[[str], object],
    ordered: bool = True,
    explicit: Collection[str] = (),
) -> dict[str, Any]:
    """:param explicit: options that stay, where given, even at their default: the outer data set has another value"""
    options = _as_dict(description, where)
    if is_for_returnn(options):
        options = returnn_description(options, where)
    name = options.pop("class", None)
    if not isinstance(name, str) or name not in dataset_classes():
        known = ", ".join(dataset_classes())
        similar = next((f", but {key!r}" for key in options if nearest(key, ["class"])), "")
        found = f"found no 'class'{similar}" if name is None else f"unknown data set class {name!r}"
        raise DataError(f"{where}: {found}, expected one of {known}{nearest_class(name)}")
    cls = dataset_classes()[name]
    for key in options:
        if key not in cls.options():
            known = ", ".join(cls.options())
            raise DataError(f"{where}: {name} has no option {key!r}, only {known}{nearest(key, cls.options())}")
    options = {key: value for key, value in options.items() if cls.sets(key, value)}
    for key in cls.required_options():
        if key not in options:
            raise DataError(f"{where}: {name} needs the option {key!r}")
    try:
        options = {key: _files_of(value, key, cls.options()[key].metadata) for key, value in options.items()}
        plain = {key: plain_option(value, key) for key, value in options.items()}
        inherited = [key for key in cls.handed_down if key in plain and plain[key] != cls.options()[key].default]
        for key, field in cls.options().items():
            if key in plain and field.metadata.get("paths"):
                plain[key] = _paths(plain[key], key, as_path)
            if key in plain and field.metadata.get("path"):
                plain[key] = _path_or_paths(plain[key], key, as_path)
            if key in plain and field.metadata.get("files_in"):
                plain[key] = _with_files(plain[key], key, field.metadata["files_in"], as_path)
            if key in plain and (form := field.metadata.get("descriptions")):
                plain[key] = each_description(
                    plain[key], form, key, lambda item, place: _canonical(item, place, as_path, explicit=inherited)
                )
        dataset = cls(**_resolved(plain))
    except DataError as error:
        raise DataError(f"{where}: {name}: {error}") from error
    left_out = {key for key, field in cls.options().items() if not field.metadata.get("effect", True)}
    left_out |= set() if ordered or dataset.order_selects else {*OF_ORDER}
    left_out |= {key for key in plain if plain[key] == cls.options()[key].default and key not in explicit}
    kept = {key: value for key, value in plain.items() if key not in left_out}
    return {"class": name} | kept


def open_dataset(
    description: object, extern_data: Mapping[str, object] | None = None, streams: Collection[str] | None = None
) -> Dataset:
    """
    :param description: see `canonical_description`
    :param extern_data: the streams of the network, see `read_extern_data`; None: all streams of the data set, as they are
    :param streams: keys of `extern_data` to read; None: all
    :return: the data set, not yet opened, see `Dataset.check`
    :raises DataError: if the description is wrong
    """
    plain = canonical_description(description)
    cls = dataset_classes()[plain["class"]]
    options = {key: _resolved(value) for key, value in plain.items() if key != "class"}
    if extern_data is None:
        return cls(**options)
    every = read_extern_data(extern_data)
    order_by = options.get("order_by")
    if order_by is not None and order_by not in every:
        known = ", ".join(every)
        raise DataError(
            f"order_by: found no stream {order_by!r} in extern_data, expected {known}{nearest(order_by, every)}"
        )
    wanted = every if streams is None else {key: every[key] for key in every if key in streams}
    return cls(**options, wanted=wanted, default_input=default_input(extern_data))


def plain_option(value: object, where: str) -> object:
    """
    :param value: of an option of a description
    :param where: the option, for messages
    :return: the value as plain JSON, with path objects, and a `FunctionByValue` for each function
    :raises ConfigError: if the value, or what a function captures, has no plain form
    """
    if _is_path_object(value) or isinstance(value, FunctionByValue):
        return value
    if isinstance(value, list | tuple):
        return [plain_option(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping) and any(isinstance(key, tuple) for key in value):  # JSON has no such keys
        return [[plain_option(key, where), plain_option(item, f"{where}[{key!r}]")] for key, item in value.items()]
    if isinstance(value, Mapping) and (wrong := [key for key in value if not isinstance(key, str)]):
        raise DataError(f"{where}: found the key {wrong[0]!r:.60}, expected texts or tuples as keys")
    if isinstance(value, Mapping):
        return {key: plain_option(item, f"{where}[{key!r}]") for key, item in value.items()}
    if callable(value):
        return FunctionByValue(value, where).settled()
    return canonical(value)


def with_digests(description: object, functions: dict[str, dict] | None = None) -> Any:
    """
    :param description: canonical
    :param functions: receives the functions in it by digest, see `boulder.schedule.canonical`
    :return: the description with `{"#function": digest}` in place of each function
    """
    if isinstance(description, FunctionByValue):
        return canonical(description, functions)
    if isinstance(description, Mapping):
        return {key: with_digests(value, functions) for key, value in description.items()}
    if isinstance(description, list):
        return [with_digests(value, functions) for value in description]
    return description


def each_description(value: object, form: str, where: str, function: Callable[[object, str], Any]) -> Any:
    """
    :param value: of an option with descriptions of other data sets
    :param form: see `boulder.data.option_kinds.DESCRIPTIONS`
    :param where: context for error messages
    :param function: (description, context) → value
    :return: the option, of the same form, with these values in place of the descriptions
    :raises DataError: for another form
    """
    if form == "one":
        return function(value, where)
    if form == "list":
        if not isinstance(value, list | tuple) or not value:
            raise DataError(f"{where}: found {value!r:.60}, expected a list of descriptions of data sets")
        return [function(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, Mapping) or not value:
        raise DataError(f"{where}: found {value!r:.60}, expected a dict, name → description of a data set")
    return {name: function(item, f"{where}[{name!r}]") for name, item in value.items()}


def matching_files(path: Any, where: str) -> list[Any]:
    """
    :param path: a file; as a text, it may be a pattern such as "data/*.hdf", unless there is a file of this name
    :param where: the option, for the message
    :return: the files that match, sorted
    :raises DataError: if none does
    """
    if not isinstance(path, str) or not any(sign in path for sign in "*?[") or os.path.exists(path):
        return [path]
    found = sorted(glob.glob(path, recursive=True))
    if not found:
        raise DataError(f"{where}: found no file that matches {path!r}, expected at least one")
    return found


def paths_in(description: object) -> Iterator[Any]:
    """:return: the path objects in a description, i.e. the values with a method `get_path`"""
    if _is_path_object(description):
        yield description
    elif isinstance(description, Mapping):
        for value in description.values():
            yield from paths_in(value)
    elif isinstance(description, list | tuple):
        for value in description:
            yield from paths_in(value)


def _as_dict(description: object, where: str) -> dict[str, object]:
    if isinstance(description, Mapping):
        return dict(description)
    if _is_path(description):
        return {"class": _OF_PATHS, "files": [description]}
    if isinstance(description, list | tuple) and all(map(_is_path, description)):
        return {"class": _OF_PATHS, "files": list(description)}
    raise DataError(
        f"{where}: found {description!r:.60}, expected a path, a list of paths, or a dict such as "
        f"{{'class': '{_OF_PATHS}', 'files': […]}}"
    )


def _files_of(value: Any, key: str, kind: Mapping[str, object]) -> object:
    """
    :param kind: metadata of the option, see `boulder.data.option_kinds`
    :return: what the function returns, if the value is a function without arguments in place of files, as in RETURNN; else the value
    """
    if not (kind.get("path") or kind.get("paths")) or not callable(value) or _is_path(value):
        return value
    try:
        return value()
    except Exception as error:
        raise DataError(f"{key}: the function failed with {type(error).__name__}: {error}") from error


def _paths(value: object, key: str, as_path: Callable[[str], object]) -> list:
    found = [file for path in (value if isinstance(value, list) else [value]) for file in matching_files(path, key)]
    return [_path(path, key, as_path, "paths") for path in found]


def _path_or_paths(value: object, key: str, as_path: Callable[[str], object]) -> object:
    if isinstance(value, Mapping):
        return {name: _path(path, f"{key}[{name!r}]", as_path) for name, path in value.items()}
    return _path(value, key, as_path)


def _with_files(
    value: object, key: str, names: Callable[[Mapping[str, Any]], list[str]], as_path: Callable[[str], object]
) -> object:
    if not isinstance(value, Mapping):
        return value
    with named(key):
        files = names(value)
    return {name: _path(item, f"{key}[{name!r}]", as_path) if name in files else item for name, item in value.items()}


def _path(value: object, key: str, as_path: Callable[[str], object], expected: str = "a path") -> object:
    if not _is_path(value):
        raise DataError(f"{key}: found {value!r:.60}, expected {expected}")
    return as_path(value) if isinstance(value, str) else value


def _is_path_object(value: object) -> bool:
    return hasattr(value, "get_path")


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike) or _is_path_object(value)


def _resolved(value: Any) -> Any:
    """:return: the value with strings in place of its path objects"""
    if _is_path_object(value):
        return value.get_path()
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    if isinstance(value, dict):
        return {key: _resolved(item) for key, item in value.items()}
    return value
