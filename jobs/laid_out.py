"""`Pipeline`: the jobs of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from boulder.network import NetworkSpec
from boulder.schedule import Plan
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
    """

    plan: Plan
    specs: list[NetworkSpec]
    jobs: list[PhaseTrainingJob]
    rows: list[dict[str, Any]]
    functions: dict[str, dict]
    needs: int | None = None
    further_epochs: Sequence[int] = ()

    @property
    def checkpoint(self) -> tk.Path:
        """The last checkpoint."""
        return self.jobs[-1].out_checkpoint

    @property
    def scores(self) -> list[tk.Path]:
        """JSON lines of each job."""
        return [job.out_scores for job in self.jobs]

    @property
    def growth(self) -> list[tk.Path]:
        """JSON of each job: the growth of each parameter."""
        return [job.out_growth for job in self.jobs]
