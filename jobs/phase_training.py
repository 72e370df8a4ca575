"""Trains one or several phases of a growing network."""

import json
import os
from pathlib import Path

from boulder.schedule.functions import restore
from boulder.training.progress import read_progress
from boulder.training.scores import describe_record, read_scores
from boulder.training.store import epochs_saved
from jobs import several_gpus
from jobs.rqmt import limit_threads
from jobs.several_gpus import Devices
from jobs.workdir.sisyphus_names import folder_of
from sisyphus import Job, Task, tk

_CHECKPOINTS, _PROGRESS = "checkpoints", "progress.json"  # in work/


class PhaseTrainingJob(Job):
    """
    Builds each phase's network, grows the checkpoint before into it and trains it. Resumable: what is killed goes on from
    its newest whole checkpoint, with the same final result.

    Outputs:
        out_checkpoint: the last checkpoint, what the next job begins with
        out_scores: JSON lines, one for each epoch of this job
        out_growth: JSON, one entry for each phase of this job: what became of which parameter
        out_tensorboard: folder with TensorBoard's event files

    Hash: what is computed, i.e. everything but `functions` (the phases name them by their digests) and `rqmt`; `gpus` and
    `nodes` where there are several.
    """

    gpus = nodes = 1  # of jobs that were set up before these were arguments

    def __init__(
        self,
        *,
        phases: list[dict],
        extern_data: dict,
        train_data: list[tk.Path],
        dev_data: list[tk.Path],
        previous_checkpoint: tk.Path | None = None,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
        gpus: int = 1,
        nodes: int = 1,
    ):
        """
        :param phases: see `boulder.training.TrainingPhase`, as plain JSON
        :param extern_data: data streams
        :param train_data: HDF files to train on
        :param dev_data: HDF files to score on after each epoch
        :param previous_checkpoint: of the job before; None for the first
        :param functions: digest → function by value, for those in net dicts
        :param rqmt: of each node: gpu, cpu, mem in GB, time in hours
        :param gpus: of each node, which share the batches
        :param nodes: on each of them the scheduler runs this job; the first alone writes
        """
        self.phases = phases
        self.extern_data = extern_data
        self.train_data = train_data
        self.dev_data = dev_data
        self.previous_checkpoint = previous_checkpoint
        self.functions = functions or {}
        self.gpus, self.nodes = gpus, nodes
        self.rqmt = Devices(gpus, nodes).rqmt({"gpu": 0, "cpu": 2, "mem": 4, "time": 4} | (rqmt or {}))

        self.out_checkpoint = self.output_path("checkpoint.h5")
        self.out_scores = self.output_path("scores.jsonl")
        self.out_growth = self.output_path("growth.json")
        self.out_tensorboard = self.output_path("tensorboard", directory=True)

    def tasks(self):
        yield Task("run", resume="run", rqmt=self.rqmt)

    def run(self):
        from boulder.training import TrainingFiles, TrainingPhase, train

        limit_threads(self.rqmt)
        files = TrainingFiles(
            train=[Path(path.get_path()) for path in self.train_data],
            dev=[Path(path.get_path()) for path in self.dev_data],
            previous=Path(self.previous_checkpoint.get_path()) if self.previous_checkpoint else None,
            store=Path(_CHECKPOINTS),  # in work/, which clean-up may delete once the job has finished
            checkpoint=Path(self.out_checkpoint.get_path()),
            scores=Path(self.out_scores.get_path()),
            tensorboard=Path(self.out_tensorboard.get_path()),
            progress=Path(_PROGRESS),
            growth=self._write_growth,
            begin=self._begin_growth,
        )
        phases = [TrainingPhase.from_json(restore(phase, self.functions)) for phase in self.phases]
        train(
            phases,
            self.extern_data,
            files,
            say=lambda line: print(line, flush=True),
            gpus=self.gpus,
            nodes=self.nodes,
        )

    def _begin_growth(self):
        if not os.path.exists(self.out_growth.get_path()):
            self._save_growth([])  # what it stays where the job goes on within a phase

    def _write_growth(self, phase, report):
        entries = json.loads(Path(self.out_growth.get_path()).read_text())
        entries = [entry for entry in entries if entry["start"] < phase.start]
        begun = {"index": phase.index, "start": phase.start, "carry_optimizer": phase.carry_optimizer}
        self._save_growth([*entries, begun | report.to_json()])

    def _save_growth(self, entries):
        path = Path(self.out_growth.get_path())
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(entries, indent=1))
        os.replace(temporary, path)

    def info(self):
        """For the manager's status lines: where it is, and the last scores."""
        records, progress = read_scores(self.out_scores.get_path()), self.progress()
        now = f"{progress['what']}: batch {progress['done']}/{progress['total']}" if progress else None
        return "; ".join(filter(None, [now, describe_record(records[-1]) if records else None])) or None

    def progress(self) -> dict | None:
        """:return: how far the epoch is, see `boulder.training.progress`; None if it does not run"""
        return read_progress(os.path.join(folder_of(self, "work"), _PROGRESS))

    def completed_fraction(self):
        """:return: greater with each checkpoint, 1 after the last; from file names, since the manager asks often"""
        first, last = self.phases[0]["first_epoch"], self.phases[-1]["last_epoch"]
        saved = epochs_saved(os.path.join(folder_of(self, "work"), _CHECKPOINTS))
        return max(0.0, (saved - first + 1) / (last - first + 1))

    @classmethod
    def hash(cls, kwargs):
        computed = {key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")}
        for key in several_gpus.KEYS:
            if computed.get(key) == 1:
                del computed[key]
        return super().hash(computed)
