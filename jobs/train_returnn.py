"""`train_returnn`: trains a RETURNN config in a Sisyphus set-up, in place of i6_core's `ReturnnTrainingJob`."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boulder.awaited import made_by_jobs
from boulder.errors import ConfigError, nearest
from boulder.returnn import load_config
from boulder.returnn.config import ReturnnConfig
from boulder.returnn.config_pieces import load_pieces
from boulder.training.numpy_values import without_numpy
from jobs.laid_out import Pipeline
from jobs.notices import keep_notices
from jobs.pipeline import lay_out
from jobs.plot_scores import PlotScoresJob
from jobs.returnn_config_object import check_files, config_pieces
from jobs.several_gpus import Devices
from jobs.write_returnn_config import WriteReturnnConfigJob, text_of
from sisyphus import tk

_WITHOUT_EFFECT = ("log_verbosity", "distributed_launch_cmd", "returnn_python_exe", "returnn_root")
"""Arguments of `ReturnnTrainingJob` that concern RETURNN's process."""


@dataclass(frozen=True)
class TrainedReturnn:
    """
    A laid out training, with outputs under the names of i6_core's `ReturnnTrainingJob`.

    :param name: of the pipeline
    :param pipeline: the jobs of the phases
    :param config_text: of the config that is trained
    """

    name: str
    pipeline: Pipeline
    config_text: str

    @property
    def out_checkpoints(self) -> dict[int, tk.Path]:
        """:return: epoch → checkpoint that is kept in any case, in Boulder's format"""
        return self.pipeline.out_checkpoints

    @property
    def out_learning_rates(self) -> tk.Path:
        """:return: rates and scores of all epochs, as RETURNN's `learning_rate_file`"""
        return self.pipeline.jobs[-1].out_learning_rates

    @property
    def out_returnn_config_file(self) -> tk.Path:
        return WriteReturnnConfigJob(text=self.config_text).out_returnn_config_file

    @property
    def out_plot_se(self) -> tk.Path:
        """:return: PNG, scores and errors by epoch"""
        return self._plots().out_plot_se

    @property
    def out_plot_lr(self) -> tk.Path:
        """:return: PNG, learning rates by epoch"""
        return self._plots().out_plot_lr

    def add_alias(self, alias: str) -> None:
        """Gives the jobs the aliases `ALIAS/phase.00`, …"""
        for job in self.pipeline.jobs:
            for name in [name for name in job.get_aliases() or () if name.startswith(f"{self.name}/")]:
                job.add_alias(f"{alias}/{name.removeprefix(f'{self.name}/')}")

    def _plots(self) -> PlotScoresJob:
        return PlotScoresJob(scores=self.pipeline.scores, phases=self.pipeline.rows)

    def __getattr__(self, name: str) -> Any:
        known = [known for known in dir(type(self)) if not known.startswith("_")]
        raise AttributeError(f"a training of train_returnn has no {name!r}, expected one of {', '.join(known)}")


def train_returnn(
    returnn_config: Any,
    *,
    name: str | None = None,
    num_epochs: int | None = None,
    save_interval: int | None = None,
    keep_epochs: Iterable[int] | None = None,
    device: str = "gpu",
    time_rqmt: float = 4,
    mem_rqmt: float = 4,
    cpu_rqmt: int = 2,
    horovod_num_processes: int | None = None,
    multi_node_slots: int | None = None,
    indices_per_job: int | None = 1,
    further_epochs: Iterable[int] = (),
    report: bool = True,
    **others: Any,
) -> TrainedReturnn:
    """
    Lays out the training of a RETURNN config, one job per phase. The arguments are those of i6_core's `ReturnnTrainingJob`.
    Everything that changes the result enters the hashes of the jobs, and nothing else of the config.

    :param returnn_config: path of a config; a dict of options; or an object with `config`, `post_config`, `python_prolog`,
        `python_epilog` and `staged_network_dict`
    :param name: of the pipeline and prefix of its aliases; None: derived from the config
    :param num_epochs: None: as the config says
    :param save_interval: keeps the checkpoint of each n-th epoch; None: as the config says
    :param keep_epochs: epochs whose checkpoints are kept; None: as the config says
    :param device: "gpu" or "cpu"
    :param time_rqmt: time limit of each job, in hours
    :param mem_rqmt: memory per process, in GB
    :param cpu_rqmt: cores per process
    :param horovod_num_processes: number of GPUs, which share the batches: the result is that of one GPU
    :param multi_node_slots: number of nodes among which the GPUs are divided
    :param indices_per_job: see `jobs.experiment.Experiment`, as for `further_epochs` and `report`
    :param others: `log_verbosity`, `distributed_launch_cmd`, `returnn_python_exe`, `returnn_root`: without effect
    :raises BoulderError: for a config or an argument that Boulder refuses
    """
    for argument in others:
        if argument not in _WITHOUT_EFFECT:
            known = (*inspect.signature(train_returnn).parameters, *_WITHOUT_EFFECT)
            raise ConfigError(f"train_returnn: there is no argument {argument!r}{nearest(argument, known)}")
    devices, rqmt = _devices(device, horovod_num_processes, multi_node_slots, cpu_rqmt, mem_rqmt, time_rqmt)
    name, config, text = _config(returnn_config, name, {"num_epochs": num_epochs, "save_interval": save_interval})
    text += _keep(config, keep_epochs)
    training = config.training(tk.Path, networks=True)
    arguments = training.arguments()
    check_files(arguments["extern_data"], f"{name}: extern_data")
    for phase in training.plan.phases:
        check_files(phase.network, f"{name}: network of epoch {phase.epochs[0]}")
    keep_notices(name, training.notices)
    pipeline = lay_out(
        name,
        **arguments,
        rqmt=rqmt,
        gpus=devices.gpus,
        nodes=devices.nodes,
        indices_per_job=indices_per_job,
        further_epochs=list(further_epochs),
        report=report,
    )
    _wait_for_files(pipeline, config, training.function_options)
    return TrainedReturnn(name, pipeline, text)


def _wait_for_files(pipeline: Pipeline, config: ReturnnConfig, variables: Collection[str]) -> None:
    """
    Lets the jobs wait for the files that the functions of a config may read.

    :param variables: names of the config's own variables
    """
    if not pipeline.functions:
        return
    made = (file for name in sorted(variables) for file in made_by_jobs(config.config.typed_dict.get(name)))
    files = [file for file in made if isinstance(file, tk.Path)]
    for job in pipeline.jobs:
        for file in files:
            job.add_input(file)


def _config(config: Any, name: str | None, options: dict[str, Any]) -> tuple[str, ReturnnConfig, str]:
    """:return: name of the pipeline, the config, and its text"""
    options = {key: without_numpy(value) for key, value in options.items() if value is not None}
    if isinstance(config, str | os.PathLike):  # a path of Sisyphus is one, too
        path = Path(os.fspath(config))
        loaded = load_config(path, options)
        return name or path.stem, loaded, _text_of_file(path, loaded, options)
    pieces = config_pieces(config, options)
    text = text_of(pieces)
    name = name or f"returnn.{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name, load_pieces(name, pieces), text


def _text_of_file(path: Path, loaded: ReturnnConfig, options: dict[str, Any]) -> str:
    """:return: the text of a Python config with the options; configs in other formats become one"""
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("#!"):
        return text + _lines(options)
    if path.suffix == ".py":
        return f"#!rnn.py\n{text}{_lines(options)}"
    return text_of([("config", loaded.values)])


def _keep(config: ReturnnConfig, epochs: Iterable[int] | None) -> str:
    """
    Sets the epochs whose checkpoints are kept, as `ReturnnTrainingJob` does.

    :return: the line of the config's text
    """
    if epochs is None:
        return ""
    cleanup = config.config.typed_value("cleanup_old_models", True)
    if cleanup is not True and not (isinstance(cleanup, dict) and "keep" not in cleanup):
        raise ConfigError(
            f"train_returnn: keep_epochs: found 'cleanup_old_models' = {cleanup!r:.60} in the config, expected True, a dict "
            "without 'keep', or no keep_epochs"
        )
    options = {
        "cleanup_old_models": {**(cleanup if isinstance(cleanup, dict) else {}), "keep": without_numpy(sorted(epochs))}
    }
    config.config.update(options)
    return _lines(options)


def _lines(options: dict[str, Any]) -> str:
    """:return: lines at the end of a Python config that set these options"""
    return "".join(f"\n{key} = {value!r}\n" for key, value in options.items())


def _devices(
    device: str, num_processes: int | None, num_nodes: int | None, cpu: int, mem: float, time: float
) -> tuple[Devices, dict[str, Any]]:
    """:return: devices, and the requirements of a node"""
    processes, nodes = num_processes or 1, num_nodes or 1
    if device not in ("gpu", "cpu"):
        raise ConfigError(f"train_returnn: device: found {device!r:.60}, expected 'gpu' or 'cpu'")
    if device == "cpu" and processes > 1:
        raise ConfigError(
            f"train_returnn: horovod_num_processes: found {processes} with device='cpu', expected device='gpu' or one process"
        )
    if processes % nodes:
        raise ConfigError(
            f"train_returnn: horovod_num_processes: found {processes}, expected a multiple of multi_node_slots, which is {nodes}"
        )
    per_node = processes // nodes
    rqmt = {"gpu": per_node if device == "gpu" else 0, "cpu": cpu * per_node, "mem": mem * per_node, "time": time}
    return Devices(per_node, nodes), rqmt
