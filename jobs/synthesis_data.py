"""`SynthesisDataJob`: recordings and their texts as a data set for speech synthesis."""

from __future__ import annotations

from collections.abc import Iterator

from boulder.speech import read_transcripts
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class SynthesisDataJob(CheckedJob):
    """
    Writes the characters of each text and the mel spectrogram of its recording; recordings that are too long are left out.

    Outputs:
        out_hdf: HDF file in RETURNN's layout, with the streams of `boulder.speech.synthesis_data`

    Hash: all arguments.
    """

    def __init__(
        self, *, transcripts: tk.Path, audio: tk.Path, characters: str, mel: dict[str, int], max_seconds: float
    ) -> None:
        """
        :param transcripts: see `boulder.speech.transcripts`
        :param audio: folder of the audio files, `NAME.wav`, `NAME.flac`, `NAME.ogg` or `NAME.opus`, with one channel
        :param characters: that the texts consist of
        :param mel: options of `boulder.speech.mel_frames.MelFrames`
        :param max_seconds: longest recording
        """
        self.transcripts = transcripts
        self.audio = audio
        self.characters = characters
        self.mel = mel
        self.max_seconds = max_seconds

        self.out_hdf = self.output_path("data.hdf")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.data.audio.ogg_zip_writer import recordings_in
        from boulder.speech.mel_frames import MelFrames
        from boulder.speech.synthesis_data import write_hdf

        recordings = recordings_in(self.audio.get_path(), read_transcripts(self.transcripts.get_path()))
        count, left_out = write_hdf(
            self.out_hdf.get_path(), recordings, self.characters, MelFrames(**self.mel), self.max_seconds
        )
        print(f"{count} recordings; {left_out} are longer than {self.max_seconds} s, or shorter than a window")
