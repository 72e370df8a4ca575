"""`PlotScoresJob`: scores and learning rates of a training by epoch, as pictures."""

from __future__ import annotations

from collections.abc import Iterator

from boulder.training.scores import read_scores
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class PlotScoresJob(CheckedJob):
    """
    Draws the learning curves of a pipeline.

    Outputs:
        out_plot_se: PNG, scores and errors by epoch
        out_plot_lr: PNG, learning rates by epoch

    Hash: all arguments.
    """

    def __init__(self, *, scores: list[tk.Path], phases: list[dict]) -> None:
        """
        :param scores: `out_scores` of the training jobs, in order
        :param phases: rows of the phase table, see `boulder.report.PhaseRow`
        """
        self.scores = scores
        self.phases = phases

        self.out_plot_se = self.output_path("score_and_error.png")
        self.out_plot_lr = self.output_path("learning_rate.png")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.report import learning_curve, learning_rate_curve
        from boulder.report.phases import number_scores

        records = number_scores(
            [record for path in self.scores for record in read_scores(path.get_path())], self.phases
        )
        learning_curve(records, self.phases).savefig(self.out_plot_se.get_path(), dpi=150)
        learning_rate_curve(records, self.phases).savefig(self.out_plot_lr.get_path(), dpi=150)
