"""The data sets of a RETURNN config as descriptions, see `boulder.data.description`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from boulder.data import Chunking
from boulder.data.dataset import Dataset, dataset_classes
from boulder.data.description import each_description, matching_files, plain_option
from boulder.data.of_returnn.returnn_description import is_for_returnn, nearest_class
from boulder.errors import ConfigError, ConfigProblems, named, nearest
from boulder.returnn.data_options import CHUNKING, data_verdict
from boulder.returnn.data_texts import data_dict
from boulder.returnn.foreign_data import ForeignData, with_class_names
from boulder.returnn.paths import absolute_path


@dataclass(frozen=True)
class DataSets:
    """
    The data sets of a config in Boulder's terms, with the defaults that its other options give them.

    :param options: of the config
    :param folder: that relative paths start from
    :param as_path: makes a path object of a file
    :param foreign: describes data sets that Boulder has no reader for; None: they read nothing else of the config
    :param namespace: globals of the config, for expressions
    """

    options: Mapping[str, Any]
    folder: Path
    as_path: Callable[[str], object] = str
    foreign: ForeignData | None = None
    namespace: dict[str, Any] = field(default_factory=dict)

    def described(self, key: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        :param key: "train", "dev", "eval", or "eval_datasets", which in a `#config` may replace "train" and "dev"
        :param overrides: a `#config` that has this data set; None for the config's own
        :return: key → description, or None if there is no such data set; for "train", training options as well; for
            "eval_datasets", a dict by name
        :raises ConfigError: see `data_description`
        """
        if key == "eval_datasets":
            return self._further(overrides)
        options = {**self.options, **(overrides or {})}
        where = repr(key) if overrides is None else f"'#config': {key!r}"
        value = with_class_names(data_dict(options.get(key), where, options, self.namespace))
        if not value or not isinstance(value, Mapping):
            return {key: data_description(value, where, self.folder, self.as_path)}
        cls = dataset_classes().get(str(value.get("class")), Dataset)
        own = {name: found for name, found in value.items() if cls.sets(name, found) and not _is_empty_text(found)}
        chunking = {name: own.pop(name) for name in CHUNKING if name in own}
        if is_for_returnn(value):
            own = _foreign_defaults(key, options) | _foreign_options(value)
        else:
            own = _defaults(key, options) | own
        description = data_description(own, where, self.folder, self.as_path, self.foreign)
        if key == "train":
            return {key: description} | self._chunking(chunking, options, overrides)
        chunked = options.get("chunking") or "0"
        if "chunking" in value and value["chunking"] is None and Chunking.parse(chunked) is not None:
            raise ConfigError(
                f"{where}: found chunking None, with which RETURNN cuts it as the data to train on; expected 0"
            )
        if str(chunked) == "1" and "chunking" not in value:
            raise ConfigError(
                f"'chunking': found {chunked!r}, with which RETURNN also cuts {where} into single frames; expected 'chunking': 0 "
                f"in {where}, whose sequences are scored as a whole"
            )
        if Chunking.parse(chunking.get("chunking")) is not None:
            raise ConfigError(
                f"{where}: found chunking {chunking['chunking']!r:.60}; data to score is not cut into chunks"
            )
        return {key: description}

    def _further(self, overrides: Mapping[str, Any] | None) -> dict[str, Any]:
        where = "'eval_datasets'" if overrides is None else "'#config': 'eval_datasets'"
        given = (self.options if overrides is None else overrides).get("eval_datasets") or {}
        if not isinstance(given, Mapping):
            raise ConfigError(f"{where}: found {given!r:.60}, expected a dict: name → data set")
        if overrides is None and "train" in given:
            raise ConfigError(f"{where}: 'train' is the name of other data, expected another one")
        found: dict[str, Any] = {}
        for name, value in given.items():
            own = replace(self, options={**self.options, name: value})
            found |= own.described(name, None if overrides is None else {**overrides, name: value})
        of_names = {name: found.pop(name) for name in given if name not in ("train", "dev")}
        return found | {"eval_datasets": of_names}

    def _chunking(
        self, own: Mapping[str, Any], options: Mapping[str, Any], overrides: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """:return: what the data set sets; for that of a phase also the options of the config that the first one had set"""
        if overrides is None:
            return dict(own)
        first = data_dict(self.options.get("train"), "'train'", self.options, self.namespace)
        of_first = {name for name in CHUNKING if isinstance(first, Mapping) and first.get(name) is not None}
        others = {name: options.get(name, default) for name, default in CHUNKING.items() if name in of_first}
        return {**others, **own}


def _defaults(key: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """:return: options of a data set that does not set them"""
    order = options.get("batching") or "default"
    offset = options.get("dataset_random_seed_offset")
    return {"seq_ordering": order if key == "train" else "sorted"} | ({"random_seed_offset": offset} if offset else {})


def _foreign_defaults(key: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """:return: options that RETURNN gives a data set that does not set them"""
    order = options.get("batching") if key == "train" else "sorted" if key in ("dev", "eval") else None
    return {"name": key} | ({"seq_ordering": order} if order else {})


def _foreign_options(value: Mapping[str, Any]) -> dict[str, Any]:
    """:return: options that reach the class: all but those of batches, and but None where RETURNN takes that of the config"""
    return {
        name: found
        for name, found in value.items()
        if name not in CHUNKING
        and not (found is None and name in ("seq_ordering", "shuffle_frames_of_nseqs", "window"))
    }


def data_description(
    value: object,
    where: str,
    folder: Path,
    as_path: Callable[[str], object] = str,
    foreign: ForeignData | None = None,
) -> dict[str, Any] | None:
    """
    :param value: of an option such as `train`
    :param where: the option, for messages
    :param folder: that relative paths start from
    :param as_path: makes a path object of a file
    :param foreign: see `DataSets`
    :return: description of the data set, with absolute paths; None if there is no such data set
    :raises ConfigError: for a class that is not registered; with a line for each option that is unknown or refused
    """
    if not value:
        return None
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: found {value!r:.60}, expected a dict such as {{'class': 'HDFDataset'}}")
    given: dict[str, Any] = with_class_names(value)
    if is_for_returnn(given):
        return (foreign or ForeignData({}, folder)).described(given, where)
    name = given.get("class")
    if name is None:
        raise ConfigError(f"{where}: found no 'class' among {', '.join(map(str, given))}, such as 'HDFDataset'")
    cls = dataset_classes().get(str(name))
    if cls is None:
        raise ConfigError(
            f"{where}: neither Boulder nor RETURNN has a data set class {name!r}, expected one of theirs, or a class that the "
            f"config defines{nearest_class(name)}"
        )
    options, problems = {}, []
    for option, found in given.items():
        known = data_verdict(cls, option)
        if known is None:
            problems.append(f"{where}: {name} has no option {option!r}{nearest(option, cls.options())}")
        elif known.refuses(found):
            problems.append(f"{where}: {option!r} of {name}: found {found!r:.60}; {known.reason}")
        elif (
            option in cls.options()
            and cls.sets(option, found)
            and not (option == "seq_ordering" and _is_empty_text(found))
        ):
            options[option] = plain_option(found, f"{where}: {option}")
    if problems:
        raise ConfigProblems.of("", problems)
    return {"class": name} | _absolute(options, where, cls, folder, as_path)


def with_absolute_paths(value: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    """
    :param value: RETURNN's dict of a data set of a class that is registered
    :return: the dict with absolute paths
    """
    cls = dataset_classes()[value["class"]]
    own = {option: found for option, found in value.items() if option in cls.options() and cls.sets(option, found)}
    return {**value, **_absolute(own, where, cls, folder, str)}


def _absolute(
    options: dict[str, Any], where: str, cls: type[Dataset], folder: Path, as_path: Callable[[str], object]
) -> dict[str, Any]:
    """:return: the options, with path objects of absolute paths"""
    result = dict(options)
    for option, value in options.items():
        metadata = cls.options()[option].metadata
        if metadata.get("paths"):
            paths = [absolute_path(file, folder) for file in (value if isinstance(value, list | tuple) else [value])]
            every = [file for path in paths for file in matching_files(path, f"{where}: {option}")]
            result[option] = [absolute_path(file, folder, as_path) for file in every]
        elif metadata.get("path"):
            files = value if isinstance(value, Mapping) else {"": value}
            files = {name: absolute_path(file, folder, as_path) for name, file in files.items()}
            result[option] = files if isinstance(value, Mapping) else files[""]
        elif metadata.get("files_in") and isinstance(value, Mapping):
            with named(f"{where}: {cls.__name__}: {option}"):
                files = metadata["files_in"](value)
            result[option] = {
                name: absolute_path(item, folder, as_path) if name in files else item for name, item in value.items()
            }
        elif form := metadata.get("descriptions"):
            result[option] = each_description(
                value, form, f"{where}: {option}", lambda item, place: data_description(item, place, folder, as_path)
            )
    return result


def _is_empty_text(value: object) -> bool:
    return isinstance(value, str) and not value
