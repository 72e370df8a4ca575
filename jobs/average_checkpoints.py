"""`AverageCheckpointsJob`: the mean of the parameters of several checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

from boulder.counted import counted
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class AverageCheckpointsJob(CheckedJob):
    """
    Outputs:
        out_checkpoint: a checkpoint with the mean parameters, without optimizer state; otherwise that of the last epoch

    Hash: all arguments.
    """

    def __init__(self, *, checkpoints: list[tk.Path]) -> None:
        """
        :param checkpoints: of the same network; their order has no effect on the result, but on the hash
        """
        self.checkpoints = checkpoints

        self.out_checkpoint = self.output_path("checkpoint.h5")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt={"gpu": 0, "cpu": 1, "mem": 4, "time": 1})

    def run(self) -> None:
        from boulder.training.averaging import average_checkpoints

        average = average_checkpoints([path.get_path() for path in self.checkpoints])
        average.save(self.out_checkpoint.get_path())
        print(f"mean of {counted(len(self.checkpoints), 'checkpoint')}, saved as that of epoch {average.epoch}")
