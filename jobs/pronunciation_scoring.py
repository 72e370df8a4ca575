"""Error rates of decoded pronunciations."""

import json
from collections.abc import Iterator

from boulder import strict_json
from boulder.counted import counted
from boulder.lexicon import decode_phonemes, read_lexicon
from boulder.search import score
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class PronunciationScoringJob(CheckedJob):
    """
    Computes phoneme and word error rates against the best-matching pronunciation of each word.

    Outputs:
        out_per, out_wer: Variables, fractions
        out_summary: text, one line
        out_rates: JSON, input of the report
        out_words: JSON, a list with an entry per word: hypothesis, references, edits

    Hash: all arguments.
    """

    def __init__(self, *, hypotheses: tk.Path, lexicon: tk.Path, name: str = "test"):
        """
        :param hypotheses: JSON, word → phoneme indices
        :param lexicon: lexicon file with the words of `hypotheses` and all their pronunciations
        :param name: name of the data set, for the summary
        """
        self.hypotheses = hypotheses
        self.lexicon = lexicon
        self.name = name

        self.out_per = self.output_var("per")
        self.out_wer = self.output_var("wer")
        self.out_summary = self.output_path("summary.txt")
        self.out_rates = self.output_path("rates.json")
        self.out_words = self.output_path("words.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        with open(self.hypotheses.get_path(), encoding="utf-8") as file:
            hypotheses = {word: decode_phonemes(labels) for word, labels in json.load(file).items()}
        rates = score(hypotheses, read_lexicon(self.lexicon.get_path()))
        with open(self.out_rates.get_path(), "w", encoding="utf-8") as file:
            file.write(strict_json.dumps(rates.summary(self.name)))
        with open(self.out_words.get_path(), "w", encoding="utf-8") as file:
            file.write(strict_json.dumps([record.as_example() for record in rates.records]))
        summary = f"{self.name}: PER {rates.per:.2%}, WER {rates.wer:.2%} on {counted(rates.num_words, 'word')}"
        with open(self.out_summary.get_path(), "w", encoding="utf-8") as file:
            file.write(summary + "\n")
        print(summary)
        self.out_per.set(rates.per)
        self.out_wer.set(rates.wer)
