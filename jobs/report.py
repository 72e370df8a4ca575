"""Writes the HTML report of a pipeline."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from boulder.data.hdf.excerpt import at_regular_steps
from jobs.checked_job import CheckedJob
from jobs.workdir.stale import why_stale
from sisyphus import Task, tk


class ReportJob(CheckedJob):
    """
    Writes a self-contained HTML report: phases, learning curves, error rates and some decoded words.

    Outputs:
        out_report: HTML file
        out_curves: SVG file with only the learning curves

    Hash: all arguments; `growth`, `attention`, `word_errors` and `recordings` only if given, so that the ids of older
    reports stay.
    """

    def __init__(
        self,
        *,
        title: str,
        phases: list[dict],
        scores: list[tk.Path],
        description: str = "",
        error_rates: list[tk.Path] | None = None,
        words: tk.Path | None = None,
        num_words: int = 30,
        growth: Sequence[tk.Path] = (),
        attention: tk.Path | None = None,
        num_attention: int = 9,
        word_errors: Sequence[tk.Path] = (),
        recordings: Sequence[tk.Path] = (),
    ):
        """
        :param title: heading, e.g. the name of the experiment
        :param phases: rows of the phase table, see `boulder.report.PhaseRow`
        :param scores: `out_scores` of the training jobs, in order
        :param description: one or two sentences below the title
        :param error_rates: JSON files, see `boulder.report.ErrorRateRow`
        :param words: JSON file of decoded words, see `boulder.report.Example`
        :param num_words: number of words to show, at regular steps
        :param growth: `out_growth` of the training jobs, in order
        :param attention: `out_attention` of a beam search: word → attention weights, shape (phonemes, letters)
        :param num_attention: number of words whose attention weights to show, at regular steps
        :param word_errors: `out_rates` of word scoring jobs
        :param recordings: `out_recordings` of `CtcPicturesJob` or `SynthesisPicturesJob`, all of which are shown
        """
        self.title = title
        self.phases = phases
        self.scores = scores
        self.description = description
        self.error_rates = error_rates or []
        self.words = words
        self.num_words = num_words
        self.growth = growth
        self.attention = attention
        self.num_attention = num_attention
        self.word_errors = word_errors
        self.recordings = recordings

        self.out_report = self.output_path("report.html")
        self.out_curves = self.output_path("learning_curves.svg")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        from boulder.report import learning_curve, render
        from jobs.report_content import content_of_training, stale_trainings

        scores = [path.get_path() for path in self.scores]
        stale = stale_trainings(scores)
        content = content_of_training(self.title, self.phases, scores, [path.get_path() for path in self.growth])
        report = {
            **content,
            "description": self.description,
            "error_rates": [_read(path) for path in self.error_rates],
            "word_errors": [_read(path) for path in self.word_errors],
            "examples": self._examples(),
            "attention": self._attention(),
            "recordings": [entry for path in self.recordings for entry in _read(path)],
            "stale": self._stale_parts(stale[-1] if stale else None),
        }
        with open(self.out_report.get_path(), "w", encoding="utf-8") as file:
            file.write(render(report))
        learning_curve(content["scores"], self.phases).savefig(self.out_curves.get_path())

    def _examples(self) -> list[dict]:
        return _spread(_read(self.words) if self.words else [], self.num_words)

    def _attention(self) -> list[dict]:
        weights = _read(self.attention) if self.attention else {}
        known = [example for example in (_read(self.words) if self.words else []) if example["word"] in weights]
        return [
            {
                "title": example["word"],
                "columns": list(example["word"]),
                "rows": example["hypothesis"],
                "weights": weights[example["word"]],
            }
            for example in _spread(known, self.num_attention)
        ]

    def _stale_parts(self, training: str | None) -> dict[str, str]:
        """
        :param training: why the last training job is stale; all parts are computed from its checkpoint
        :return: stale part → reason
        """
        parts: dict[str, list[tk.Path | None]] = {
            "error rates": [*self.error_rates, *self.word_errors],
            "decoded words": [self.words],
            "attention weights": [self.attention],
            "recordings": [*self.recordings],
        }
        reasons = [
            (name, why_stale(path.get_path()) or training) for name, paths in parts.items() for path in paths if path
        ]
        return {name: reason for name, reason in reasons if reason}

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        without = [key for key in ("growth", "attention", "word_errors", "recordings") if not kwargs.get(key)]
        without += ["num_attention"] if "attention" in without else []
        return super().hash({key: value for key, value in kwargs.items() if key not in without})


def _spread(entries: list, count: int) -> list:
    """:return: at most `count` of the entries, at regular steps"""
    return [entries[index] for index in at_regular_steps(len(entries), count)]


def _read(path: tk.Path) -> Any:
    with open(path.get_path(), encoding="utf-8") as file:
        return json.load(file)
