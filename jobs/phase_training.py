"""`PhaseTrainingJob`: trains one or several phases of a growing network."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.counted import counted
from boulder.schedule.functions import restore
from boulder.training.dump_files import output_name
from boulder.training.epoch_line import describe_record
from boulder.training.keep import Keep
from boulder.training.kept_folder import KeptFolder, kept_name
from boulder.training.progress import done_of, read_progress
from boulder.training.scores import read_scores
from boulder.training.store import CHECKPOINT_MINUTES, epochs_saved
from jobs.checked_job import CheckedJob
from jobs.rqmt import PRELOADED, limit_threads, with_defaults
from jobs.several_gpus import Devices
from jobs.workdir.sisyphus_names import folder_of
from sisyphus import Task, tk

if TYPE_CHECKING:
    from boulder.training import GrowthReport, TrainingPhase

_CHECKPOINTS, _PROGRESS = "checkpoints", "progress.json"  # in work/
_KEPT, _DUMPS = "checkpoints", "hdf"  # in output/
_NOT_HASHED = ("functions", "rqmt", "checkpoint_minutes", "num_workers")


class PhaseTrainingJob(CheckedJob):
    """
    Builds the network of each phase, grows the previous checkpoint into it, and trains it. Resumable: a killed job continues
    from its newest complete checkpoint, with the same final result.

    Outputs:
        out_checkpoint: the last checkpoint, from which the next job starts
        out_scores: JSON lines, one for each epoch of this job
        out_learning_rates: rates and scores of all epochs so far, as RETURNN's `learning_rate_file`
        out_growth: JSON, one entry for each phase of this job: the growth of each parameter
        out_tensorboard: folder with TensorBoard's event files
        out_kept: folder of kept checkpoints, also of those that are kept for their scores
        out_hdf: name of a file that an `hdf_dump` layer writes → the file
        out_checkpoints: epoch → checkpoint, for the epochs that are kept in any case, and the last one

    Hash: everything that the result depends on, i.e. all arguments but `functions` (the phases contain their digests), `rqmt`,
    `checkpoint_minutes` and `num_workers`. Arguments at the defaults of `__sis_hash_exclude__` do not enter it; neither do fields of phases at
    their defaults. So a new argument or field must have a default that leaves the result as it is.
    """

    __sis_preload__ = PRELOADED
    __sis_hash_exclude__ = {"gpus": 1, "nodes": 1}  # noqa: RUF012 (declared by Sisyphus)

    num_workers: int | None = None  # jobs that were set up before this argument existed lack it
    losses: frozenset[str] = frozenset()  # likewise

    def __init__(
        self,
        *,
        phases: list[dict],
        extern_data: dict,
        previous_checkpoint: tk.Path | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
        gpus: int = 1,
        nodes: int = 1,
        checkpoint_minutes: float | None = CHECKPOINT_MINUTES,
        num_workers: int | None = None,
    ) -> None:
        """
        :param phases: `boulder.training.TrainingPhase.to_json` of each phase, with the data sets in it
        :param extern_data: data streams
        :param previous_checkpoint: checkpoint of the previous job; None for the first
        :param functions: digest → function by value, for the functions in phases
        :param rqmt: requirements per node: gpu, cpu, mem in GB, time in hours
        :param gpus: number of GPUs per node, which share the batches
        :param nodes: number of nodes; the scheduler starts a process on each, and only rank 0 writes files
        :param checkpoint_minutes: saves within an epoch, so many minutes after the last checkpoint, so that no more than that
            is lost when the job is killed without a warning; None: only after epochs and warnings
        :param num_workers: number of threads that read batches; None: as many as cores, at most 8
        """
        self.phases = phases
        self.extern_data = extern_data
        self.previous_checkpoint = previous_checkpoint
        self.functions = functions or {}
        self.gpus, self.nodes = gpus, nodes
        self.rqmt = Devices(gpus, nodes).rqmt(with_defaults(rqmt, self, {"gpu": 0, "cpu": 2, "mem": 4, "time": 4}))

        self.out_checkpoint = self.output_path("checkpoint.h5")
        self.out_scores = self.output_path("scores.jsonl")
        self.out_learning_rates = self.output_path("learning_rates")
        self.out_growth = self.output_path("growth.json")
        self.out_tensorboard = self.output_path("tensorboard", directory=True)
        self.out_kept = self.output_path(_KEPT, directory=True)
        self.out_hdf: dict[str, tk.Path] = {}
        self.kept = Keep()
        self._out_of_epochs: dict[int, tk.Path] = {}
        self.checkpoint_minutes, self.num_workers = checkpoint_minutes, num_workers

    @property
    def out_checkpoints(self) -> dict[int, tk.Path]:
        """:return: epoch → checkpoint, for the epochs that are kept in any case, and the last one"""
        return self._out_of_epochs | {self.phases[-1]["last_epoch"]: self.out_checkpoint}

    def keep_also(self, keep: Keep) -> None:
        """
        Keep further checkpoints. An experiment that shares this job with another one adds those that it needs.

        :param keep: for the whole training
        """
        self.kept |= keep
        first, last = self.phases[0]["first_epoch"], self.phases[-1]["last_epoch"]
        for epoch in self.kept.epochs:
            if first <= epoch < last and epoch not in self._out_of_epochs:
                self._out_of_epochs[epoch] = self.output_path(f"{_KEPT}/{kept_name(epoch)}")

    def is_part_of(self, losses: Collection[str]) -> None:
        """
        Name losses as the other jobs of the training do. An experiment that shares this job with another one adds its own.

        :param losses: keys of the scores of the whole training, such as "cost:output"
        """
        self.losses |= frozenset(losses)

    def writes(self, files: Collection[str]) -> dict[str, tk.Path]:
        """
        Declare files of `hdf_dump` layers as outputs.

        :param files: names, see `boulder.training.dump_files.file_name`
        :return: name → output
        """
        for file in sorted({*files} - self.out_hdf.keys()):
            self.out_hdf[file] = self.output_path(f"{_DUMPS}/{output_name(file)}")
        return {file: self.out_hdf[file] for file in files}

    def tasks(self) -> Iterator[Task]:
        yield Task("run", resume="run", rqmt=self.rqmt)

    def run(self) -> None:
        from boulder.data import default_num_workers
        from boulder.training import TrainingPhase
        from boulder.training.run import TrainingFiles
        from boulder.training.trainer import train

        limit_threads(self.rqmt)
        num_workers = self.num_workers or default_num_workers()
        print(f"num_workers: {counted(num_workers, 'thread')} for reading data", flush=True)
        files = TrainingFiles(
            previous=Path(self.previous_checkpoint.get_path()) if self.previous_checkpoint else None,
            store=Path(_CHECKPOINTS),  # in work/, which clean-up may delete once the job has finished
            checkpoint=Path(self.out_checkpoint.get_path()),
            scores=Path(self.out_scores.get_path()),
            learning_rates=Path(self.out_learning_rates.get_path()),
            tensorboard=Path(self.out_tensorboard.get_path()),
            progress=Path(_PROGRESS),
            growth=self._write_growth,
            kept=KeptFolder(Path(self.out_kept.get_path()), self.kept),
            checkpoint_minutes=self.checkpoint_minutes,
            begin=self._begin_growth,
            dumps=Path(self.out_kept.get_path()).with_name(_DUMPS),
        )
        phases: list[Any] = [restore(phase, self.functions) for phase in self.phases]
        train(
            [TrainingPhase.from_json(phase) for phase in phases],
            self.extern_data,
            files,
            say=lambda line: print(line, flush=True),
            gpus=self.gpus,
            nodes=self.nodes,
            num_workers=num_workers,
            losses=self.losses,
        )

    def _begin_growth(self) -> None:
        if not os.path.exists(self.out_growth.get_path()):
            self._save_growth([])  # stays empty when the job continues a phase of the previous job

    def _write_growth(self, phase: TrainingPhase, report: GrowthReport) -> None:
        entries = json.loads(Path(self.out_growth.get_path()).read_text(encoding="utf-8"))
        entries = [entry for entry in entries if entry["start"] < phase.start]
        begun = {"index": phase.index, "start": phase.start, "carry_optimizer": phase.carry_optimizer}
        self._save_growth([*entries, begun | report.to_json()])

    def _save_growth(self, entries: list[dict]) -> None:
        write_text(self.out_growth.get_path(), strict_json.dumps(entries, indent=1))

    def info(self) -> str | None:
        """:return: the progress and the last scores, for the manager's status lines"""
        records, progress = read_scores(self.out_scores.get_path()), self.progress()
        now = f"{progress['what']}: batch {done_of(progress['done'], progress['total'])}" if progress else None
        return "; ".join(filter(None, [now, describe_record(records[-1], self.losses) if records else None])) or None

    def progress(self) -> dict | None:
        """:return: progress of the running epoch, see `boulder.training.progress`; None if the job is not running"""
        return read_progress(os.path.join(folder_of(self, "work"), _PROGRESS))

    def completed_fraction(self) -> float:
        """:return: grows with each checkpoint, 1 after the last; uses file names only, since the manager asks often"""
        first, last = self.phases[0]["first_epoch"], self.phases[-1]["last_epoch"]
        saved = epochs_saved(os.path.join(folder_of(self, "work"), _CHECKPOINTS))
        return max(0.0, (saved - first + 1) / (last - first + 1))

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        return super().hash({key: value for key, value in kwargs.items() if key not in _NOT_HASHED})
