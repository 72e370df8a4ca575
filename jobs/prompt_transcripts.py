"""`PromptTranscriptsJob`: transcripts of the prompts of Debian's `asterisk-core-sounds`, split into train, dev and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.lexicon import SPLITS, split_of
from boulder.speech import characters, language, read_prompts, write_transcripts
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class PromptTranscriptsJob(CheckedJob):
    """
    Normalises the texts, and splits them by a hash of the text, so that a text is never in two splits.

    Outputs:
        out_train, out_dev, out_test: transcript files, see `boulder.speech.transcripts`
        out_vocabulary: Python dict, character → label index

    Hash: all arguments.
    """

    def __init__(self, *, root: tk.Path, languages: Sequence[str], dev_percent: float = 8, test_percent: float = 10):
        """
        :param root: folder of the unpacked packages of the texts and of the recordings
        :param languages: codes, see `boulder.speech.LANGUAGES`
        :param dev_percent: percentage of texts for dev
        :param test_percent: percentage of texts for test
        """
        self.root = root
        self.languages = languages
        self.dev_percent = dev_percent
        self.test_percent = test_percent

        self.out_train = self.output_path("train.txt")
        self.out_dev = self.output_path("dev.txt")
        self.out_test = self.output_path("test.txt")
        self.out_vocabulary = self.output_path("vocabulary.txt")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        splits: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
        for code in self.languages:
            prompts = read_prompts(Path(self.root.get_path()), language(code))
            for name, text in prompts.transcripts.items():
                splits[split_of(text, self.dev_percent, self.test_percent)][name] = text
            print(
                f"{code}: {len(prompts.transcripts)} recordings; left out: {len(prompts.without_text)} without a text, "
                f"{len(prompts.unclear)} whose text does not say what is spoken"
            )
        for split, transcripts in splits.items():
            print(f"{split}: {len(transcripts)} recordings, {len(set(transcripts.values()))} texts")
            write_transcripts(getattr(self, f"out_{split}").get_path(), transcripts)
        labels = {character: index for index, character in enumerate(characters(self.languages))}
        write_text(self.out_vocabulary.get_path(), f"{labels!r}\n")
