"""`OggZipJob`: recordings and their transcripts as a zip file."""

from __future__ import annotations

from collections.abc import Iterator

from boulder.speech import read_transcripts
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class OggZipJob(CheckedJob):
    """
    Writes recordings and their transcripts as a zip file that `OggZipDataset` reads, in Boulder and in RETURNN.

    Outputs:
        out_zip: zip file; its sequences have the names in the transcripts as tags, and are in their order

    Hash: all arguments; `audio_format` only where it differs from its default.
    """

    __sis_hash_exclude__ = {"audio_format": "flac"}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(self, *, transcripts: tk.Path, audio: tk.Path, audio_format: str | None = "flac") -> None:
        """
        :param transcripts: see `boulder.speech.transcripts`
        :param audio: folder of the audio files, `NAME.wav`, `NAME.flac`, `NAME.ogg` or `NAME.opus`, with one channel
        :param audio_format: "flac" (lossless, 16 bits), "ogg" (Vorbis), "wav"; None: the files as they are
        """
        self.transcripts = transcripts
        self.audio = audio
        self.audio_format = audio_format

        self.out_zip = self.output_path("recordings.zip")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.data.audio.ogg_zip_writer import recordings_in, write_ogg_zip

        recordings = recordings_in(self.audio.get_path(), read_transcripts(self.transcripts.get_path()))
        print(f"{write_ogg_zip(self.out_zip.get_path(), recordings, self.audio_format)} recordings")
