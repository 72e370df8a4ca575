"""A lexicon as an HDF data set: letters in, phonemes out."""

import numpy

from boulder.data import HdfWriter
from boulder.lexicon import LETTERS, PHONEMES, encode_word, labelled_sequences, read_lexicon
from sisyphus import Job, Task, tk

LETTERS_TO_PHONEMES = {
    "data": {"dim": len(LETTERS), "sparse": True},
    "classes": {"dim": len(PHONEMES), "sparse": True},
}
"""extern_data of what these jobs write"""

END = len(PHONEMES)
"""The label after a pronunciation's last phoneme, in `targets`: what says a decoder that it has come to the end."""

LETTERS_TO_TARGETS = LETTERS_TO_PHONEMES | {"targets": {"dim": len(PHONEMES) + 1, "sparse": True}}
"""The same with `targets`: the phonemes, and END after them"""


class LexiconToHdfJob(Job):
    """
    A sequence for each pronunciation, with `data` (letters), `classes` (phonemes) and, if asked for, `targets` (phonemes and
    END), tagged `word/1`, `word/2`, …

    Outputs:
        out_hdf: in RETURNN's layout

    Hash: all arguments; `with_end` only if it is True.
    """

    def __init__(self, *, lexicon: tk.Path, frames_per_letter: int, with_end: bool = False):
        """
        :param lexicon: see `boulder.lexicon.read_lexicon`
        :param frames_per_letter: of the network's output: pronunciations that CTC cannot align with it are left out
        :param with_end: whether there is a stream `targets`
        """
        self.lexicon = lexicon
        self.frames_per_letter = frames_per_letter
        self.with_end = with_end

        self.out_hdf = self.output_path("data.hdf")

    def tasks(self):
        yield Task("run", mini_task=True)

    def run(self):
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
            f"{count} sequences; {total - count} pronunciations are too long for {self.frames_per_letter} frames a letter"
        )

    @classmethod
    def hash(cls, kwargs):
        return super().hash({key: value for key, value in kwargs.items() if key != "with_end" or value})


class WordsToHdfJob(Job):
    """
    A sequence for each word, with `data` (letters) alone and tagged by the word: what a search reads.

    Outputs:
        out_hdf: in RETURNN's layout

    Hash: all arguments.
    """

    def __init__(self, *, lexicon: tk.Path):
        """
        :param lexicon: see `boulder.lexicon.read_lexicon`; its pronunciations are not looked at
        """
        self.lexicon = lexicon

        self.out_hdf = self.output_path("data.hdf")

    def tasks(self):
        yield Task("run", mini_task=True)

    def run(self):
        with HdfWriter(self.out_hdf.get_path(), {"data": LETTERS_TO_PHONEMES["data"]}) as writer:
            for word in read_lexicon(self.lexicon.get_path()):
                writer.write(word, {"data": encode_word(word)})
