"""`GriffinLimJob`: audio from mel spectrograms."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class GriffinLimJob(CheckedJob):
    """
    Finds the phases of spectrograms by the algorithm of Griffin and Lim, for some sequences, at regular steps.

    Outputs:
        out_wavs: folder with TAG.wav for each sequence

    Hash: all arguments.
    """

    def __init__(
        self, *, spectrograms: tk.Path, stream: str, mel: dict[str, int], num: int = 8, iterations: int = 60
    ) -> None:
        """
        :param spectrograms: HDF file, e.g. of a `ForwardJob` or a `SynthesisDataJob`
        :param stream: of the mel frames
        :param mel: options of `boulder.speech.mel_frames.MelFrames`, those of the training data
        :param num: number of sequences
        :param iterations: of the algorithm
        """
        self.spectrograms = spectrograms
        self.stream = stream
        self.mel = mel
        self.num = num
        self.iterations = iterations

        self.out_wavs = self.output_path("wavs", directory=True)

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.speech.mel_frames import MelFrames
        from boulder.speech.spoken import write_wavs

        path, folder, mel = self.spectrograms.get_path(), self.out_wavs.get_path(), MelFrames(**self.mel)
        print(f"{write_wavs(folder, path, self.stream, mel, self.num, self.iterations)} recordings")
