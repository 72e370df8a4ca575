"""`CtcPicturesJob`: spectrograms and CTC posteriors of some recordings, for the report."""

from collections.abc import Iterator

from jobs.checked_job import CheckedJob
from jobs.search import write_json
from sisyphus import Task, tk


class CtcPicturesJob(CheckedJob):
    """
    Takes some sequences, at regular steps, and decodes them by the best path.

    Outputs:
        out_recordings: JSON for `ReportJob(recordings=[…])`, see `boulder.report.recordings.Recording`

    Hash: all arguments.
    """

    def __init__(self, *, forward: tk.Path, seconds_per_frame: float, num: int = 8):
        """
        :param forward: `out_hdf` of a `ForwardJob` with
            `layers={"data": LAYER, "features": "data:KEY", "classes": "data:TARGETS"}` and `labels={"classes": NAMES}`:
            probabilities of the labels and the blank, log mel features, and the true labels
        :param seconds_per_frame: step between the frames of the features
        :param num: number of recordings
        """
        self.forward = forward
        self.seconds_per_frame = seconds_per_frame
        self.num = num

        self.out_recordings = self.output_path("recordings.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.report.pictures import recognised

        write_json(self.out_recordings, recognised(self.forward.get_path(), self.seconds_per_frame, self.num))
