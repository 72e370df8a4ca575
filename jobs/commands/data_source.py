"""What the argument of `boulder data` names: a file of data, a text, or a data set of a config."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boulder.awaited import name_of_job
from boulder.data import paths_in
from boulder.errors import ConfigError, DataError, nearest
from boulder.network import NetworkSpec, describe
from boulder.returnn import load_config
from boulder.returnn.tasks import data_of_task
from boulder.returnn.training import planned
from boulder.schedule.functions import restore
from jobs.commands.config_name import check_folder, find_config
from jobs.commands.laid_out_config import pipelines_of
from jobs.laid_out import Pipeline
from jobs.missing_data import planning_without_data
from jobs.pieces import find_pipeline

_MAGIC = {
    b"\x89HDF\r\n\x1a\n": "an HDF file",
    b"PK\3\4": "a zip file",
    b"PK\5\6": "a zip file",
    b"\x1f\x8b": "a gzip file",
}
_SUFFIX = {
    ".hdf": "an HDF file",
    ".hdf5": "an HDF file",
    ".h5": "an HDF file",
    ".zip": "a zip file",
    ".gz": "a gzip file",
}
_TEXT = (".txt", ".text", ".bpe", ".xml", ".csv", ".tsv", ".trn")
_EXPECTED = "an HDF file, a zip file of recordings, a text, or a config"


@dataclass(frozen=True)
class Reader:
    """
    What a config needs of its data.

    :param name: of the config
    :param networks: of its phases
    :param whole: whether sequences are not cut into chunks
    """

    name: str
    extern_data: dict[str, Any]
    networks: list[NetworkSpec]
    whole: bool


@dataclass(frozen=True)
class DataSource:
    """
    :param text: a text file; None: it is a data set
    :param described: description of the data set
    :param reader: the config of the data set; None if the argument names a file of data
    """

    text: Path | None = None
    described: Any = None
    reader: Reader | None = None


def data_source(file: str, data: str | None = None, pipeline: str | None = None) -> DataSource:
    """
    :param file: see `show_data`
    :param data: name of a data set of the config; None: `train`
    :param pipeline: if the config lays out several
    :raises ConfigError: if there is no such file or data set
    """
    path = Path(file)
    kind = _kind(path) if path.is_file() else None
    if kind is None and not (path.suffix in (*_SUFFIX, *_TEXT) or path.is_dir()):
        return _of_config(file, data, pipeline)
    if kind is None:
        found = "is a folder" if path.is_dir() else "there is no such file"
        there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() and not path.exists() else []
        raise ConfigError(f"data {file!r}: {found}, expected {_EXPECTED}{nearest(path.name, there)}")
    if data is not None:
        raise ConfigError(f"--data {data}: names a data set of a config, but {file} is {kind}")
    if kind == "an HDF file":
        return DataSource(described={"class": "HDFDataset", "files": [file]})
    if kind == "a zip file":
        return DataSource(described={"class": "OggZipDataset", "path": [file], "audio": {"features": "raw"}})
    return DataSource(text=path)


def reader(config: str, pipeline: str | None = None) -> Reader:
    """
    :param config: a config of Sisyphus, or a RETURNN config file
    :raises BoulderError: if there is none, or it cannot be planned
    """
    found = find_config(config)
    if found.function is None:
        return _of_returnn(found.file)
    return _of_pipeline(config, _pipeline(config, pipeline))


def _kind(path: Path) -> str | None:
    """
    :return: what a file of data or a text is; None for a config
    :raises ConfigError: if it is not what its name says
    """
    with path.open("rb") as opened:
        begin = opened.read(8)
    if not begin:
        raise ConfigError(f"data {str(path)!r}: the file is empty, expected {_EXPECTED}")
    found = next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), None)
    if found == "a gzip file":
        inner = _SUFFIX.get(path.with_suffix("").suffix)
        if inner:
            raise ConfigError(f"data {str(path)!r}: {inner} is not read from a gzip file; unpack it by gunzip")
        return "a text"
    if found is None and path.suffix in _SUFFIX:
        raise ConfigError(
            f"data {str(path)!r}: found no {_SUFFIX[path.suffix].partition(' ')[2]}, as its name says; is it damaged? Expected "
            f"{_EXPECTED}"
        )
    return found or ("a text" if path.suffix in _TEXT else None)


def _of_config(config: str, data: str | None, pipeline: str | None) -> DataSource:
    found = find_config(config)
    if found.function is None:
        described = data_of_task(load_config(found.file), "", ("train",), data or "train")[1]
        return DataSource(described=described, reader=_of_returnn(found.file))
    laid_out = _pipeline(config, pipeline)
    known: dict[str, Any] = {}
    for job in laid_out.jobs:
        for phase in job.phases:
            known |= {key: phase[key] for key in ("train", "dev") if key in phase} | phase.get("eval_datasets", {})
    name = data or "train"
    if name not in known:
        raise ConfigError(f"--data {name}: the config lays out {', '.join(known)}{nearest(name, known)}")
    described = restore(known[name], laid_out.functions)
    for path in paths_in(described):
        if getattr(path, "creator", None) is not None and not path.available():
            raise DataError(f"{name}: {path.get_path()} is made by {name_of_job(path.creator)}, which has not finished")
    return DataSource(described=described, reader=_of_pipeline(config, laid_out))


def _pipeline(config: str, pipeline: str | None) -> Pipeline:
    check_folder()
    with planning_without_data():
        return find_pipeline(pipelines_of(config), pipeline)[1]


def _of_pipeline(config: str, pipeline: Pipeline) -> Reader:
    chunked = any(phase["config"].get("chunking") for job in pipeline.jobs for phase in job.phases)
    return Reader(config, pipeline.jobs[0].extern_data, list(pipeline.specs), not chunked)


def _of_returnn(file: Path) -> Reader:
    config = load_config(file)
    networks = [describe(phase.network, config.extern_data) for phase in planned(config).phases]
    return Reader(str(file), config.extern_data, networks, not config.values.get("chunking"))
