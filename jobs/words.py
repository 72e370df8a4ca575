"""`WordsJob`: hypotheses or references in other units → words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from boulder.search.corpus import read_pronunciations
from boulder.search.hypotheses import best_texts, read_hypotheses, write_hypotheses
from boulder.search.words import check_units, words_of, words_of_phonemes
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class WordsJob(CheckedJob):
    """
    Joins BPE units, SentencePiece units or characters to words, or looks up phonemes in a lexicon. Of several hypotheses, it
    takes the best one.

    Outputs:
        out_words: format `py`, sequence tag → words separated by blanks

    Hash: all arguments; `lexicon`, `word_end`, `unknown` and `remove` only where they differ from their defaults.
    """

    __sis_hash_exclude__ = {"lexicon": None, "word_end": "#", "unknown": "<unk>", "remove": ()}  # noqa: RUF012

    def __init__(
        self,
        *,
        texts: tk.Path,
        units: str,
        lexicon: tk.Path | None = None,
        word_end: str | None = "#",
        unknown: str = "<unk>",
        remove: Sequence[str] = (),
    ) -> None:
        """
        :param texts: `out_search_file` of a search in the format `py`, or `out_references`
        :param units: "words", "bpe", "sentencepiece", "characters" or "phonemes"
        :param lexicon: for phonemes: a Bliss lexicon, or a text file with a word and its phonemes in each line
        :param word_end: for phonemes: symbol, or end of a symbol, that ends a word; None: all phonemes are those of one word
        :param unknown: for phonemes: word for phonemes that the lexicon lacks
        :param remove: units to remove, e.g. `</s>` and noises
        """
        self.texts = texts
        self.units = units
        self.lexicon = lexicon
        self.word_end = word_end
        self.unknown = unknown
        self.remove = list(remove)

        self.out_words = self.output_path("words.py")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        check_units(self.units, with_lexicon=self.lexicon is not None)
        texts = best_texts(read_hypotheses(self.texts.get_path()), self.texts.get_path())
        if self.lexicon is None:
            words = {tag: words_of(text, self.units, self.remove) for tag, text in texts.items()}
        else:
            pronunciations = read_pronunciations(self.lexicon.get_path())
            words = {
                tag: words_of_phonemes(text, pronunciations, self.word_end, self.unknown, self.remove)
                for tag, text in texts.items()
            }
            missing = sum(of_tag.count(self.unknown) for of_tag in words.values())
            print(f"{missing} pronunciations are not in the lexicon and became {self.unknown!r}")
        write_hypotheses(self.out_words.get_path(), {tag: " ".join(of_tag) for tag, of_tag in words.items()})
