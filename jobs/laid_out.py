"""`Pipeline`: the jobs of a plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from boulder.errors import ConfigError
from boulder.network import NetworkSpec
from boulder.schedule import Plan
from boulder.training.keep import Keep
from jobs.average_checkpoints import AverageCheckpointsJob
from jobs.kept import KeptCheckpoints
from jobs.phase_training import PhaseTrainingJob
from sisyphus import tk


@dataclass(frozen=True)
class Pipeline:
    """
    :param plan: the network of each epoch
    :param specs: the network of each phase
    :param jobs: in order, each starting from the checkpoint of the previous one
    :param rows: phase table, see `boulder.report.PhaseRow`
    :param functions: digest → function by value, for those in net dicts; a search with the checkpoint needs them
    :param needs: epoch whose scores the schedule waits for, see `jobs.adaptive_pipeline`; None: the plan is complete
    :param further_epochs: of the jobs added after the end, see `jobs.further_epochs`; the plan includes them
    :param keep: which checkpoints the jobs keep
    :param missing: data sets that cannot be read yet, a line each; only for a command that plans, see `jobs.missing_data`
    """

    plan: Plan
    specs: list[NetworkSpec]
    jobs: list[PhaseTrainingJob]
    rows: list[dict[str, Any]]
    functions: dict[str, dict]
    needs: int | None = None
    further_epochs: Sequence[int] = ()
    keep: Keep = field(default_factory=Keep)
    missing: Sequence[str] = ()

    @property
    def checkpoint(self) -> tk.Path:
        """The last checkpoint."""
        return self.jobs[-1].out_checkpoint

    @property
    def out_hdf(self) -> dict[str, tk.Path]:
        """Name of a file that `hdf_dump` layers write → the file, with all that jobs have added to it."""
        return {file: path for job in self.jobs for file, path in job.out_hdf.items()}

    @property
    def kept(self) -> KeptCheckpoints:
        """What can be selected of the checkpoints that the jobs keep."""
        return KeptCheckpoints(self.jobs, self.plan, self.specs, self.keep)

    @property
    def out_checkpoints(self) -> dict[int, tk.Path]:
        """Epoch → checkpoint, of the epochs that are kept in any case, and the last one of each job."""
        return self.kept.of_epochs

    def checkpoint_of(self, epoch: int) -> tk.Path:
        """:raises ConfigError: if the checkpoint of this epoch is not kept in any case"""
        return self.kept.of(epoch)

    def best(self, by: str | None = None) -> tk.Path:
        """
        :param by: RETURNN's name of a score, such as "dev_score", "dev_error_output" or "devtrain_score"; None: the one that the
            report shows first, see `NetworkSpec.measure`: the error on dev, or the score of a regression
        :return: of the kept checkpoints, that of the epoch in which this score is lowest
        :raises ConfigError: if no phase computes the score, or no checkpoints are kept for their scores
        """
        return self.kept.best(by, 1)[0]

    def average(
        self,
        *,
        last: int | None = None,
        best: int | None = None,
        by: str | None = None,
        epochs: Collection[int] | None = None,
    ) -> tk.Path:
        """
        The checkpoint with the mean of the parameters of several kept checkpoints: of the `last`, the `best`, or these `epochs`.

        :param last: number of last epochs
        :param best: number of best epochs by the score `by`, see `best`, among those whose network has the parameters of the last one
        :raises ConfigError: if too few checkpoints are kept, or their networks differ
        """
        if sum(choice is not None for choice in (last, best, epochs)) != 1:
            raise ConfigError(f"average: found last={last!r}, best={best!r}, epochs={epochs!r}, expected one of them")
        if last is not None:
            checkpoints = self.kept.last(last)
        elif best is not None:
            checkpoints = self.kept.best(by, best, of_last_network=True)
        else:
            chosen = sorted(set(epochs or ()))
            checkpoints = [self.kept.of(epoch) for epoch in chosen]
            self.kept.check_same_network(chosen)
        return AverageCheckpointsJob(checkpoints=checkpoints).out_checkpoint

    @property
    def losses(self) -> set[str]:
        """Keys of the scores of all phases, such as "cost:output"."""
        return {f"{kind}:{layer}" for spec in self.specs for layer, kinds in spec.scores.items() for kind in kinds}

    @property
    def scores(self) -> list[tk.Path]:
        """JSON lines of each job."""
        return [job.out_scores for job in self.jobs]

    @property
    def growth(self) -> list[tk.Path]:
        """JSON of each job: the growth of each parameter."""
        return [job.out_growth for job in self.jobs]
