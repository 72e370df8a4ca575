"""HDF data sets of letters and phonemes from a lexicon."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from boulder.counted import counted
from boulder.data import HdfWriter
from boulder.lexicon import LETTERS, PHONEMES, encode_word, labelled_sequences, read_lexicon
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk

LETTERS_TO_PHONEMES = {
    "data": {"dim": len(LETTERS), "sparse": True},
    "classes": {"dim": len(PHONEMES), "sparse": True},
}
"""`extern_data` of the data sets that these jobs write."""

END = len(PHONEMES)
"""End-of-sequence label, which follows the last phoneme in `targets`."""

LETTERS_TO_TARGETS = LETTERS_TO_PHONEMES | {"targets": {"dim": len(PHONEMES) + 1, "sparse": True}}
"""The same with the stream `targets`: the phonemes followed by END."""


class LexiconToHdfJob(CheckedJob):
    """
    Writes a sequence for each pronunciation, tagged `word/1`, `word/2`, …, with the streams `data` (letters), `classes`
    (phonemes) and optionally `targets` (phonemes followed by END).

    Outputs:
        out_hdf: HDF file in RETURNN's layout

    Hash: all arguments; `with_end` only if it is True.
    """

    def __init__(self, *, lexicon: tk.Path, frames_per_letter: int, with_end: bool = False):
        """
        :param lexicon: see `boulder.lexicon.read_lexicon`
        :param frames_per_letter: output frames of the network per letter; pronunciations that CTC cannot align with them are
            skipped
        :param with_end: write the stream `targets`
        """
        self.lexicon = lexicon
        self.frames_per_letter = frames_per_letter
        self.with_end = with_end

        self.out_hdf = self.output_path("data.hdf")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        lexicon = read_lexicon(self.lexicon.get_path())
        count = 0
        streams = LETTERS_TO_TARGETS if self.with_end else LETTERS_TO_PHONEMES
        with HdfWriter(self.out_hdf.get_path(), streams) as writer:
            for word in labelled_sequences(lexicon, self.frames_per_letter):
                targets = {"targets": numpy.append(word.phonemes, numpy.int32(END))} if self.with_end else {}
                writer.write(word.tag, {"data": word.letters, "classes": word.phonemes, **targets})
                count += 1
        total = sum(map(len, lexicon.values()))
        print(
            f"{counted(count, 'sequence')}; {counted(total - count, 'pronunciation is', 'pronunciations are')} too long for {counted(self.frames_per_letter, 'frame')} per letter"
        )

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        return super().hash({key: value for key, value in kwargs.items() if key != "with_end" or value})


class WordsToHdfJob(CheckedJob):
    """
    Writes a sequence for each word, tagged by the word, with the stream `data` (letters) only: the input of a search.

    Outputs:
        out_hdf: HDF file in RETURNN's layout

    Hash: all arguments.
    """

    def __init__(self, *, lexicon: tk.Path):
        """
        :param lexicon: see `boulder.lexicon.read_lexicon`; only its words are used
        """
        self.lexicon = lexicon

        self.out_hdf = self.output_path("data.hdf")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        with HdfWriter(self.out_hdf.get_path(), {"data": LETTERS_TO_PHONEMES["data"]}) as writer:
            for word in read_lexicon(self.lexicon.get_path()):
                writer.write(word, {"data": encode_word(word)})
