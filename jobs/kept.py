"""The kept checkpoints of a chain of training jobs: which can be selected, and which are missing."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from boulder.errors import ConfigError, nearest
from boulder.network import NetworkSpec
from boulder.schedule import Plan
from boulder.training.keep import Keep
from boulder.training.learning_rate.measure import name_of_score, score_names, with_exp
from jobs.phase_training import PhaseTrainingJob
from jobs.select_checkpoints import SelectCheckpointsJob
from jobs.workdir.sisyphus_names import is_finished
from sisyphus import tk


@dataclass(frozen=True)
class KeptCheckpoints:
    """
    :param jobs: in order
    :param specs: the network of each phase of `plan`
    :param keep: what the jobs keep
    """

    jobs: Sequence[PhaseTrainingJob]
    plan: Plan
    specs: Sequence[NetworkSpec]
    keep: Keep

    @property
    def of_epochs(self) -> dict[int, tk.Path]:
        """Epoch → checkpoint, of the epochs that are kept in any case, and the last one of each job."""
        return {epoch: path for job in self.jobs for epoch, path in sorted(job.out_checkpoints.items())}

    def of(self, epoch: int) -> tk.Path:
        """:raises ConfigError: if the checkpoint of this epoch is not kept in any case"""
        known = self.of_epochs
        if epoch not in known:
            raise ConfigError(
                f"epoch {epoch!r}: its checkpoint is not kept; expected one of {', '.join(map(str, known))}, or "
                f"keep_epochs=[{epoch!r}] in the pipeline"
            )
        return known[epoch]

    def best(self, by: str | None, num: int, of_last_network: bool = False) -> list[tk.Path]:
        """
        :param by: RETURNN's name of a score; None: `headline`
        :param num: number of checkpoints
        :param of_last_network: only epochs from which on the network has the parameters of the last epoch
        :return: best first
        :raises ConfigError: if no phase computes the score, or too few checkpoints are kept for their scores
        """
        _check_number(num)
        known = self._score_names()
        by = self.headline if by is None else by
        if by not in known:
            raise ConfigError(
                f"by: found {by!r:.60}, which no phase computes, expected one of {', '.join(known)}{nearest(str(by), known)}"
            )
        if not self.keep.keeps_best(num, self.plan.num_epochs):
            raise ConfigError(
                f"{_counted(num, 'best')} by {by!r}: the pipeline does not keep enough checkpoints for their scores; expected "
                f"'cleanup_old_models': {{'keep_best_n': {num}}} in its config"
            )
        return self._selected(by, num, self.first_epoch_of_last_network if of_last_network else 1)

    @property
    def headline(self) -> str:
        """
        RETURNN's name of the score that says how well the last network solves its task, on dev if that is scored.

        :raises ConfigError: if it has no loss with a score
        """
        spec, known = self.specs[-1], self._score_names()
        if spec.measure is None:
            raise ConfigError(f"by: the last network has no score, expected one of {', '.join(known)}")
        is_scored = any("dev" in phase for job in self.jobs for phase in job.phases)
        return name_of_score(spec.measure, "dev" if is_scored else "train", spec.scores)

    def last(self, num: int) -> list[tk.Path]:
        """:raises ConfigError: if they are not all kept, or their networks differ"""
        _check_number(num)
        epochs = self.keep.last_saved(num, self.plan.num_epochs)
        enough = self.keep.last >= num or all(epoch in self.of_epochs for epoch in epochs)
        if len(epochs) < num or not enough:
            raise ConfigError(
                f"{_counted(num, 'last')}: the pipeline does not keep that many; expected "
                f"'cleanup_old_models': {{'keep_last_n': {num}}} in its config, and as many epochs"
            )
        stops_early = any(phase["config"].get("patience") for job in self.jobs for phase in job.phases)
        if self.keep.last or stops_early:  # known only when the training has ended
            return self._selected(None, num, self.first_epoch_of_last_network)
        self.check_same_network(epochs)
        return [self.of(epoch) for epoch in epochs]

    def check_same_network(self, epochs: Sequence[int]) -> None:
        """:raises ConfigError: if the networks of these epochs do not have the same parameters"""
        by_epoch = {epoch: _parameters(self._spec(epoch)) for epoch in epochs}
        for epoch, found in by_epoch.items():
            expected = by_epoch[epochs[-1]]
            for name in sorted({*found, *expected}):
                if found.get(name) != expected.get(name):
                    raise ConfigError(
                        f"average: the networks of epochs {epoch} and {epochs[-1]} differ: {name!r} is "
                        f"{found.get(name, 'missing')} and {expected.get(name, 'missing')}; expected epochs of one network"
                    )

    @property
    def first_epoch_of_last_network(self) -> int:
        """The epoch from which on every network has the parameters of the last one."""
        first = self.plan.phases[-1].epochs[0]
        for phase, spec in zip(reversed(self.plan.phases), reversed(self.specs), strict=True):
            if _parameters(spec) != _parameters(self.specs[-1]):
                break
            first = phase.epochs[0]
        return first

    def _selected(self, by: str | None, num: int, first_epoch: int) -> list[tk.Path]:
        return SelectCheckpointsJob(
            kept=[job.out_kept for job in self.jobs],
            checkpoints=[job.out_checkpoint for job in self.jobs],
            scores=[job.out_scores for job in self.jobs],
            by=by,
            num=num,
            first_epoch=first_epoch,
        ).out_checkpoints

    def _spec(self, epoch: int) -> NetworkSpec:
        return next(spec for phase, spec in zip(self.plan.phases, self.specs, strict=True) if epoch in phase.epochs)

    def _score_names(self) -> list[str]:
        names: dict[str, None] = {}
        phases = {phase["start"]: phase for job in self.jobs for phase in job.phases}
        for phase, spec in zip(self.plan.phases, self.specs, strict=True):
            of_job = phases.get(phase.epochs[0])
            if of_job is None:  # before the epoch that the training starts from
                continue
            data = [*(["dev"] if "dev" in of_job else []), *of_job.get("eval_datasets", {})]
            losses = with_exp(spec.scores) if of_job["config"].get("calculate_exp_loss") else spec.scores
            names |= dict.fromkeys(score_names(losses, data))
            names |= {
                f"{name}_{layer}": None
                for name in score_names({"output": ("cost", "error")}, data)
                for layer in spec.losses
            }
        return list(names)


def warn_of_missing_checkpoints(job: PhaseTrainingJob) -> None:
    """Warns if the job had finished before these checkpoints were to be kept, which does not enter its hash."""
    missing = [epoch for epoch, path in sorted(job.out_checkpoints.items()) if not os.path.exists(path.get_path())]
    if job.kept.epochs and missing and is_finished(job):
        name = min(job.get_aliases() or [job.job_id()])
        warnings.warn(
            f"{name} has finished without keeping the checkpoints of epochs {', '.join(map(str, missing))}; `boulder rerun` "
            "trains it again, with the same result, and keeps them",
            stacklevel=2,
        )


def _parameters(spec: NetworkSpec) -> dict[str, str]:
    """:return: path → type and shape"""
    return {path: f"{param.dtype} {list(param.shape)}" for path, param in spec.params.items()}


def _check_number(num: object) -> None:
    if isinstance(num, bool) or not isinstance(num, int) or num < 1:
        raise ConfigError(f"number of checkpoints: found {num!r:.60}, expected a positive int")


def _counted(num: int, what: str) -> str:
    return f"the {what} checkpoint" if num == 1 else f"the {num} {what} checkpoints"
