"""`WordScoringJob`: word error rate of hypotheses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from boulder import strict_json
from boulder.errors import ConfigError
from boulder.search import best_reference
from boulder.search.corpus import read_corpus
from boulder.search.hypotheses import best_texts, read_hypotheses
from boulder.search.sclite import run_sclite, sclite_command, segments_of_tags, write_ctm, write_stm, write_trn
from boulder.search.word_errors import WordErrors, total, word_errors
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class WordScoringJob(CheckedJob):
    """
    Counts word errors by sclite where it is installed, otherwise by Boulder's own count, which gives the same numbers.

    Outputs:
        out_wer, out_ser: Variables, word error rate and sequence error rate, fractions
        out_summary: text, one line
        out_rates: JSON, a row of the report
        out_words: JSON, a list with an entry per sequence: hypothesis, reference, edit distance
        out_hypotheses_trn, out_references_trn: files for sclite
        out_ctm, out_stm: files for sclite, with the times of `corpus`; without one, each sequence is a recording of its own
        out_sclite: folder with sclite's reports, empty if it is not installed

    Hash: all arguments; `corpus` and `name` only if given.
    """

    __sis_hash_exclude__ = {"corpus": None, "name": "test"}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(
        self,
        *,
        hypotheses: tk.Path,
        references: tk.Path | None = None,
        corpus: tk.Path | None = None,
        name: str = "test",
    ) -> None:
        """
        :param hypotheses: format `py`, sequence tag → words separated by blanks, e.g. of `WordsJob`; several hypotheses, of
            which the best one counts, are possible
        :param references: the same for the right words; None: those of `corpus`
        :param corpus: Bliss corpus, for the times of segments
        :param name: name of the data set, for the summary
        """
        self.hypotheses = hypotheses
        self.references = references
        self.corpus = corpus
        self.name = name

        self.out_wer = self.output_var("wer")
        self.out_ser = self.output_var("ser")
        self.out_summary = self.output_path("summary.txt")
        self.out_rates = self.output_path("rates.json")
        self.out_words = self.output_path("words.json")
        self.out_hypotheses_trn = self.output_path("hypotheses.trn")
        self.out_references_trn = self.output_path("references.trn")
        self.out_ctm = self.output_path("hypotheses.ctm")
        self.out_stm = self.output_path("references.stm")
        self.out_sclite = self.output_path("sclite", directory=True)

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        hypotheses = _words(self.hypotheses)
        if self.references is None and self.corpus is None:
            raise ConfigError("word scoring: found neither references nor a corpus, expected one of them")
        segments = read_corpus(self.corpus.get_path()) if self.corpus else segments_of_tags(hypotheses)
        references = (
            _words(self.references)
            if self.references
            else {tag: segment.words.split() for tag, segment in segments.items()}
        )
        errors = total(word_errors(references, hypotheses))
        hypotheses = {tag: hypotheses[tag] for tag in references}
        write_trn(self.out_references_trn.get_path(), references)
        write_trn(self.out_hypotheses_trn.get_path(), hypotheses)
        write_stm(self.out_stm.get_path(), references, segments)
        write_ctm(self.out_ctm.get_path(), hypotheses, segments)
        counted_by = "Boulder"
        if command := sclite_command():
            errors, counted_by = self._by_sclite(command), "sclite"
        self._write_examples(references, hypotheses)
        with open(self.out_rates.get_path(), "w", encoding="utf-8") as file:
            file.write(strict_json.dumps({"name": self.name} | errors.to_json()))
        summary = f"{self.name}: {errors}, counted by {counted_by}"
        with open(self.out_summary.get_path(), "w", encoding="utf-8") as file:
            file.write(summary + "\n")
        print(summary)
        self.out_wer.set(errors.wer)
        self.out_ser.set(errors.ser)

    def _by_sclite(self, command: list[str]) -> WordErrors:
        references, hypotheses, folder = (
            Path(path.get_path()) for path in (self.out_references_trn, self.out_hypotheses_trn, self.out_sclite)
        )
        return run_sclite(command, references, hypotheses, folder)

    def _write_examples(self, references: dict[str, list[str]], hypotheses: dict[str, list[str]]) -> None:
        examples = [
            {
                "word": tag,
                "hypothesis": hypotheses[tag],
                "references": [reference],
                "edits": best_reference(hypotheses[tag], [reference])[1],
            }
            for tag, reference in references.items()
        ]
        with open(self.out_words.get_path(), "w", encoding="utf-8") as file:
            file.write(strict_json.dumps(examples))


def _words(path: tk.Path) -> dict[str, list[str]]:
    return {tag: text.split() for tag, text in best_texts(read_hypotheses(path.get_path()), path.get_path()).items()}
