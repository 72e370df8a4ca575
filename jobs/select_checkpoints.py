"""`SelectCheckpointsJob`: the best or the last ones of the checkpoints that training jobs have kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boulder import strict_json
from boulder.atomic_file import link, write_text
from boulder.errors import CheckpointError
from boulder.training.kept_folder import kept_files
from boulder.training.learning_rate.measure import score_named
from boulder.training.scores import read_scores
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class SelectCheckpointsJob(CheckedJob):
    """
    The selected files are further names of the kept ones, or copies, so that they outlast the training jobs.

    Outputs:
        out_checkpoints: `num` checkpoints, the best first, or the last first
        out_selection: JSON, a list of {"epoch": …, "score": …} in the same order

    Hash: all arguments.
    """

    def __init__(
        self,
        *,
        kept: list[tk.Path],
        checkpoints: list[tk.Path],
        scores: list[tk.Path],
        by: str | None = None,
        num: int = 1,
        first_epoch: int = 1,
    ) -> None:
        """
        :param kept: `out_kept` of the training jobs, in order
        :param checkpoints: their `out_checkpoint`
        :param scores: their `out_scores`
        :param by: RETURNN's name of the score that is to be low; None: the last epochs
        :param num: number of checkpoints to select
        :param first_epoch: earlier ones are not considered
        """
        self.kept, self.checkpoints, self.scores = kept, checkpoints, scores
        self.by, self.num, self.first_epoch = by, num, first_epoch

        self.out_checkpoints = [self.output_path(f"checkpoint.{rank}.h5") for rank in range(1, num + 1)]
        self.out_selection = self.output_path("selection.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        records = [record for path in self.scores for record in read_scores(path.get_path())]
        considered = [record for record in records if record["epoch"] >= self.first_epoch]
        for record in considered:
            if self._rank(record) is None:
                print(f"epoch {record['epoch']} is not considered, since it has no number for {self.by!r}")
        ranked = sorted((rank, r["epoch"]) for r in considered if (rank := self._rank(r)) is not None)
        files = self._files()
        selected = [(rank, epoch) for rank, epoch in ranked if epoch in files][: self.num]
        what = f"by {self.by!r}" if self.by else "by epoch"
        if len(selected) < self.num:
            raise CheckpointError(
                f"{self.num} checkpoints wanted {what} from epoch {self.first_epoch} on, but {len(selected)} are kept there; "
                "'cleanup_old_models' with 'keep_best_n', 'keep_last_n' or 'keep' decides which"
            )
        for rank, epoch in ranked[: self.num]:
            if epoch not in files:
                print(f"epoch {epoch} ({rank:g} {what}) is not considered, since its checkpoint is not kept")
        for (rank, epoch), path in zip(selected, self.out_checkpoints, strict=True):
            print(f"epoch {epoch}: {rank:g} {what}")
            link(files[epoch], path.get_path())
        scores = [{"epoch": epoch, "score": rank if self.by else None} for rank, epoch in selected]
        write_text(self.out_selection.get_path(), strict_json.dumps(scores))

    def _rank(self, record: Any) -> float | None:
        """:return: lower is better; None: the epoch lacks the score"""
        return score_named(record, self.by) if self.by else -record["epoch"]

    def _files(self) -> dict[int, Path]:
        """:return: epoch → checkpoint"""
        found: dict[int, Path] = {}
        for kept, checkpoint, scores in zip(self.kept, self.checkpoints, self.scores, strict=True):
            found |= kept_files(kept.get_path())
            if records := read_scores(scores.get_path()):  # otherwise the training had stopped before
                found[records[-1]["epoch"]] = Path(checkpoint.get_path())
        return found
