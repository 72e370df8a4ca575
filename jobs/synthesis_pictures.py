"""`SynthesisPicturesJob`: true and predicted spectrograms of some texts side by side, for the report."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.checked_job import CheckedJob
from jobs.search import write_json
from sisyphus import Task, tk


class SynthesisPicturesJob(CheckedJob):
    """
    Takes those sequences, at regular steps, of which `GriffinLimJob` makes sounds.

    Outputs:
        out_recordings: JSON for `ReportJob(recordings=[…])`, see `boulder.report.recordings.Recording`

    Hash: all arguments.
    """

    def __init__(
        self,
        *,
        data: tk.Path,
        predicted: dict[str, tk.Path],
        wavs: dict[str, tk.Path],
        mel: dict[str, int],
        num: int = 8,
    ) -> None:
        """
        :param data: `out_hdf` of a `SynthesisDataJob`: the texts and the true spectrograms
        :param predicted: caption → `out_hdf` of a `ForwardJob` on `data`, with the streams `data`, mel frames, and `attention`,
            weights of the characters for each frame
        :param wavs: caption, or "true" → `out_wavs` of a `GriffinLimJob`
        :param mel: options of `boulder.speech.mel_frames.MelFrames`
        :param num: number of sequences, that of `wavs`
        """
        self.data = data
        self.predicted = predicted
        self.wavs = wavs
        self.mel = mel
        self.num = num

        self.out_recordings = self.output_path("recordings.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.report.pictures import synthesised
        from boulder.speech.mel_frames import MelFrames

        predicted = {caption: path.get_path() for caption, path in self.predicted.items()}
        wavs = {caption: path.get_path() for caption, path in self.wavs.items()}
        write_json(
            self.out_recordings,
            synthesised(self.data.get_path(), predicted, wavs, MelFrames(**self.mel), self.num),
        )
