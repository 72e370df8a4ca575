"""A trial of phases: each network is built, grown from the one before, trained for some steps on generated data, saved and
resumed, by the code of a training job. It finds what planning cannot know: what code in the network does, values that are
not finite, memory, time.
"""

from __future__ import annotations

import gc
import resource
import shutil
import statistics
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from boulder.errors import BoulderError
from boulder.lazy import tf
from boulder.network import NetworkSpec, describe
from boulder.training.checkpoint import Checkpoint
from boulder.training.data_checks import check_data
from boulder.training.dumps import Dumps
from boulder.training.epoch import train_epoch
from boulder.training.growth import GrowthReport
from boulder.training.interrupt import Interrupt
from boulder.training.learning_rate import control_from_json
from boulder.training.models import Models
from boulder.training.phase import TrainingPhase
from boulder.training.phase_data import PhaseData
from boulder.training.phase_start import start_phase
from boulder.training.progress import Progress
from boulder.training.replicas import OneReplica
from boulder.training.run import TrainingFiles, TrainingRun
from boulder.training.runtime_errors import in_one_line
from boulder.training.scores import Sums
from boulder.training.step_errors import StepError
from boulder.training.store import CheckpointStore
from boulder.training.tensorflow_options import prepare_tensorflow
from boulder.training.trial_data import trial_data

_OF_BATCHES = {
    "batch_size": None,
    "max_pad_size": None,
    "max_seq_length": None,
    "min_seq_length": None,
    "seq_drop": 0.0,
    "chunking": None,
    "batching": "default",
}
"""Options that would change the batches of the generated data."""

_OF_HISTORY = {"patience": None, "use_last_best_model": False}
"""Options that compare epochs, of which a trial has one in each phase."""


@dataclass(frozen=True, kw_only=True)
class TrialSize:
    """
    :param steps: number of updates in each phase
    :param seqs: number of sequences in a batch
    :param frames: length of the longest sequence
    """

    steps: int = 10
    seqs: int = 3
    frames: int = 60


@dataclass(kw_only=True)
class PhaseTrial:
    """
    What was found of a phase.

    :param name: its index, or "original"
    :param params: number of parameter values
    :param growth: what became of the parameters of the phase before, in words
    :param build_seconds: time to build and compile the network, without the first step
    :param step_seconds: median time of a step
    :param memory: peak memory in bytes, of the GPU if there is one, otherwise of the process
    :param objective: of each step: the sum of all costs by their scales, each divided by its frames
    :param resumed: whether it was saved, and resumed from that checkpoint
    :param error: why it failed, in one line; None if it did not
    """

    name: str
    params: int = 0
    growth: str = ""
    build_seconds: float = 0.0
    step_seconds: float = 0.0
    memory: int = 0
    objective: list[float] = field(default_factory=list)
    resumed: bool = False
    error: str | None = None

    @property
    def falls(self) -> bool:
        """Whether the objective is lower at the end than at the start."""
        return len(self.objective) > 1 and self.objective[-1] < self.objective[0]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"falls": self.falls}


def _silent(_stage: str) -> None:
    """Tells nobody."""


def try_phases(
    phases: Sequence[TrainingPhase],
    extern_data: dict[str, Any],
    size: TrialSize,
    say: Callable[[str], None],
    doing: Callable[[str], None] = _silent,
) -> Iterator[PhaseTrial]:
    """
    :param phases: in order; their data sets do not matter
    :param say: receives lines of log
    :param doing: receives what is done next, with the name of the phase; for a full-size network each may take a minute
    :return: the trial of each phase, up to the first that fails
    """
    prepare_tensorflow()
    tf.get_logger().setLevel("ERROR")  # it warns of many models in one process
    with tempfile.TemporaryDirectory(prefix="boulder-try-") as folder:
        previous: Path | None = None
        for number, phase in enumerate(phases):
            found = PhaseTrial(name=phase.index_name)
            stages = _Stages(phase.index_name, doing)
            trial: _Trial | None = None
            try:
                trial = _Trial(phase, extern_data, size, Path(folder) / str(number), say, found, stages)
                previous = trial.run(previous)
            except StepError as error:  # its sequences are generated
                say(traceback.format_exc())
                found.error = f"{stages.now}: {error.reason}"
            except BoulderError as error:
                found.error = str(error)
            except Exception as error:  # code of the network, or TensorFlow: anything may be raised
                say(traceback.format_exc())
                found.error = f"{stages.now}: {in_one_line(error, trial.spec if trial else None)}"
            del trial
            gc.collect()
            yield found
            if found.error:
                return


class _Stages:
    """:ivar now: what is done, "step 3 of 10" for example"""

    def __init__(self, phase: str, doing: Callable[[str], None]) -> None:
        self._phase, self._doing, self.now = phase, doing, "start"

    def begin(self, stage: str) -> None:
        self.now = stage
        self._doing(f"phase {self._phase}: {stage}")


class _Stopwatch(Progress):
    """Measures the steps of an epoch, and stops it once, as a signal would."""

    def __init__(self, spec: NetworkSpec, interrupt: Interrupt, steps: int, found: PhaseTrial, stages: _Stages) -> None:
        super().__init__(None)
        self._spec, self._interrupt, self._steps, self._result = spec, interrupt, steps, found
        self._stages = stages
        self._earlier: dict[str, list[float]] = {}
        self._clock = 0.0
        self.first_step = 0.0
        self.seconds: list[float] = []

    def begin(self, what: str, total: int | None, done: int) -> None:
        self._clock, self.first_step = time.monotonic(), 0.0
        if len(self._result.objective) < self._steps:
            self._stages.begin(f"build the network, {self._next()}")
        else:
            self._stages.begin("build the network for evaluation, score")

    def _next(self) -> str:
        return f"step {len(self._result.objective) + 1} of {self._steps}"

    def advance(self, sums: Sums) -> None:
        if len(self._result.objective) == self._steps:
            return  # the data is being scored
        now = time.monotonic()
        if self.first_step:
            self.seconds.append(now - self._clock)
        else:
            self.first_step = now - self._clock
        self._clock = now
        self._result.objective.append(self._objective(sums.sums))
        if len(self._result.objective) == self._steps // 2:
            self._interrupt.wanted = "trial"
            self._stages.begin("save")
        elif len(self._result.objective) < self._steps:
            self._stages.begin(self._next())

    def _objective(self, sums: dict[str, list[float]]) -> float:
        total = 0.0
        for key, (cost, frames) in sums.items():
            kind, layer = key.split(":", 1)
            old_cost, old_frames = self._earlier.get(key, [0.0, 0.0])
            if kind == "cost" and frames != old_frames:
                total += self._spec.losses[layer].scale * (cost - old_cost) / (frames - old_frames)
        self._earlier = {key: list(value) for key, value in sums.items()}
        return total


class _Trial:
    def __init__(
        self,
        phase: TrainingPhase,
        extern_data: dict[str, Any],
        size: TrialSize,
        folder: Path,
        say: Callable[[str], None],
        found: PhaseTrial,
        stages: _Stages,
    ) -> None:
        self.extern_data, self.size, self.folder, self.say, self.found = extern_data, size, folder, say, found
        self.stages = stages
        self.spec = describe(phase.network, extern_data)
        found.params = self.spec.num_params
        self.phase = self._on_generated_data(phase)

    def _on_generated_data(self, phase: TrainingPhase) -> TrainingPhase:
        epoch = phase.first_epoch
        data = trial_data(self.spec, self.extern_data, self.size.seqs, self.size.frames)
        rate = phase.learning_rate_control.scheduled(epoch)
        config = {**phase.config, **_OF_BATCHES, **_OF_HISTORY, "max_seqs": self.size.seqs}
        return replace(
            phase,
            start=epoch,
            last_epoch=epoch,
            config=config,
            learning_rate_control=control_from_json({"class": "scheduled", "first_epoch": epoch, "rates": [rate]}, ""),
            train={**data, "repeat_epoch": self.size.steps},
            dev=data if phase.dev else None,
            eval_datasets={},
            extended={},
        )

    def run(self, previous: Path | None) -> Path:
        """
        :param previous: checkpoint of the phase before; its folder is deleted once it is loaded
        :return: checkpoint of this phase
        """
        _forget_peak_memory()
        dumps = Dumps([self.phase], self.extern_data, self.folder / "dumps", None)
        with PhaseData(self.extern_data, dumps) as data:
            store, interrupt = CheckpointStore(self.folder), Interrupt()
            watch = _Stopwatch(self.spec, interrupt, self.size.steps, self.found, self.stages)
            run = TrainingRun(
                self._files(), *data.of(self.phase), OneReplica(), store, interrupt, watch, dumps, self.say, 1
            )
            check_data(self.phase, self.spec, self.phase.first_epoch, run.train_data, run.scored_data, self.say)
            self.stages.begin(f"create {self.found.params:,} parameters" + (", grown from before" if previous else ""))
            self._train(_last_use_of(previous), run)  # until it is stopped
            if self.size.steps > 1:
                interrupt.wanted = None
                self.stages.begin("resume")
                gc.collect()  # the compiled functions of a network, which hold its variables, refer to themselves
                self._train(store.newest(self.say), run)
            self.found.resumed = self.size.steps > 1
            self.found.step_seconds = statistics.median(watch.seconds or [watch.first_step])
            self.found.memory = _peak_memory()
        return store.paths()[0]  # `train_epoch` saves

    def _train(self, state: Checkpoint | None, run: TrainingRun) -> None:
        began = time.monotonic()
        model, state = start_phase(self.phase, self.extern_data, state, run, Models())
        started = time.monotonic() - began
        with suppress(SystemExit):
            train_epoch(self.phase.first_epoch, model, self.phase, state, run)
        if not self.found.build_seconds:
            watch: Any = run.progress
            self.found.build_seconds = started + max(0.0, watch.first_step - statistics.median(watch.seconds or [0.0]))

    def _files(self) -> TrainingFiles:
        def growth(_phase: TrainingPhase, report: GrowthReport) -> None:
            self.found.growth = str(report)

        return TrainingFiles(
            previous=None,
            store=self.folder,
            checkpoint=self.folder / "checkpoint.h5",
            scores=self.folder / "scores.jsonl",
            tensorboard=self.folder / "tensorboard",
            progress=self.folder / "progress.json",
            growth=growth,
        )


def _last_use_of(path: Path | None) -> Checkpoint | None:
    """:return: the checkpoint, whose folder is deleted: those of all phases of a large network would fill the disk"""
    if path is None:
        return None
    checkpoint = Checkpoint.load(path)
    shutil.rmtree(path.parent)
    return checkpoint


def _forget_peak_memory() -> None:
    for gpu in tf.config.list_logical_devices("GPU"):
        tf.config.experimental.reset_memory_stats(gpu.name)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # Linux: the peak begins at the current memory


def _peak_memory() -> int:
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return max(tf.config.experimental.get_memory_info(gpu.name)["peak"] for gpu in gpus)
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
