"""`TranscriptScoringJob`: character and word error rates of recognised recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.search import score
from boulder.search.character_errors import character_errors
from boulder.search.labels import read_labels
from boulder.search.word_errors import total, word_errors
from boulder.speech import read_transcripts
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class TranscriptScoringJob(CheckedJob):
    """
    Compares the label sequences of a search with the transcripts.

    Outputs:
        out_cer, out_wer: Variables, character error rate and word error rate, fractions
        out_summary: text, one line
        out_character_rates, out_word_rates: JSON, rows of the report
        out_examples: JSON, a list with an entry per recording: decoded and true words, edit distance

    Hash: all arguments; `name` only where it differs from its default.
    """

    __sis_hash_exclude__ = {"name": "test"}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(self, *, hypotheses: tk.Path, transcripts: tk.Path, vocabulary: tk.Path, name: str = "test") -> None:
        """
        :param hypotheses: JSON, sequence tag → labels, e.g. of `CtcSearchJob`
        :param transcripts: of the same recordings, see `boulder.speech.transcripts`
        :param vocabulary: file of character labels, e.g. of `PromptTranscriptsJob`
        :param name: name of the data set, for the summary
        """
        self.hypotheses = hypotheses
        self.transcripts = transcripts
        self.vocabulary = vocabulary
        self.name = name

        self.out_cer = self.output_var("cer")
        self.out_wer = self.output_var("wer")
        self.out_summary = self.output_path("summary.txt")
        self.out_character_rates = self.output_path("character_rates.json")
        self.out_word_rates = self.output_path("word_rates.json")
        self.out_examples = self.output_path("examples.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        references = read_transcripts(self.transcripts.get_path())
        labels = read_labels({"class": "CharacterTargets", "vocab_file": self.vocabulary})
        with open(self.hypotheses.get_path(), encoding="utf-8") as file:
            hypotheses = {tag: labels.text(found, f"hypothesis of {tag!r}") for tag, found in json.load(file).items()}
        characters = character_errors(references, hypotheses)
        found, true = ({tag: text.split() for tag, text in texts.items()} for texts in (hypotheses, references))
        words = total(word_errors(true, found))
        records = score(found, {tag: [of_tag] for tag, of_tag in true.items()}).records
        for path, unit, errors in (
            (self.out_character_rates, "character", characters),
            (self.out_word_rates, "word", words),
        ):
            write_text(path.get_path(), strict_json.dumps({"name": self.name, "unit": unit} | errors.to_json()))
        write_text(self.out_examples.get_path(), strict_json.dumps([record.as_example() for record in records]))
        summary = f"{self.name}: CER {characters.wer:.2%}, WER {words.wer:.2%} on {characters.sequences} recordings"
        write_text(self.out_summary.get_path(), f"{summary}\n")
        print(summary)
        self.out_cer.set(characters.wer)
        self.out_wer.set(words.wer)
