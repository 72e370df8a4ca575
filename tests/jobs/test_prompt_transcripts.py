"""`PromptTranscriptsJob` and `TranscriptScoringJob`: transcripts by the hash of their text, and rates of decoded ones."""

import json
from ast import literal_eval
from pathlib import Path

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.speech import characters, read_transcripts
from tests.speech.made_packages import write_packages


@pytest.fixture
def run(tmp_path, monkeypatch):
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))

    def run(job):
        job._sis_setup_directory()
        job.run()
        return job

    return run


@pytest.fixture
def path(tmp_path):
    from sisyphus import tk

    return lambda name: tk.Path(str(tmp_path / name))


def transcripts_of(job):
    return [read_transcripts(path.get_path()) for path in (job.out_train, job.out_dev, job.out_test)]


def test_a_text_is_in_one_split_only_and_other_texts_do_not_move_it(tmp_path, run, path):
    from jobs.prompt_transcripts import PromptTranscriptsJob

    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = {f"{letter}{again}": f"text {letter} again" for letter in letters for again in "01"}
    write_packages(tmp_path / "all", texts=texts)
    write_packages(tmp_path / "some", texts=dict(list(texts.items())[::2]))
    every, some = (
        transcripts_of(run(PromptTranscriptsJob(root=path(name), languages=["en"], dev_percent=30, test_percent=30)))
        for name in ("all", "some")
    )
    assert sum(map(len, every)) == 52
    for part in every:
        assert all(len([other for other in part.values() if other == text]) == 2 for text in part.values())
    assert [dict(list(part.items())[::2]) for part in every] == some


def test_languages_share_the_vocabulary(tmp_path, run, path):
    from jobs.prompt_transcripts import PromptTranscriptsJob

    write_packages(tmp_path / "root", "en", {name: f"one {name}" for name in "abcdefgh"})
    write_packages(tmp_path / "root", "ru", {name: f"два {name}" for name in "abcdefgh"})
    job = run(PromptTranscriptsJob(root=path("root"), languages=["en", "ru"], dev_percent=40, test_percent=30))
    speakers = {name.split("/")[0] for part in transcripts_of(job) for name in part}
    assert speakers == {"en_US_f_Allison", "ru_RU_f_IvrvoiceRU"}
    labels = literal_eval(Path(job.out_vocabulary.get_path()).read_text())
    assert labels == {character: index for index, character in enumerate(characters(["en", "ru"]))}


def test_rates_count_characters_and_words(tmp_path, run, path):
    from jobs.transcript_scoring import TranscriptScoringJob

    (tmp_path / "t.txt").write_text("a\tab ab\nb\tba\n")
    (tmp_path / "v.txt").write_text("{' ': 0, 'a': 1, 'b': 2}\n")
    (tmp_path / "h.json").write_text(json.dumps({"a": [1, 0, 1, 2, 2], "b": [2, 1]}))
    job = run(TranscriptScoringJob(hypotheses=path("h.json"), transcripts=path("t.txt"), vocabulary=path("v.txt")))
    assert job.out_cer.get() == 2 / 7
    assert job.out_wer.get() == 2 / 3
    assert Path(job.out_summary.get_path()).read_text() == "test: CER 28.57%, WER 66.67% on 2 recordings\n"
    rates = json.loads(Path(job.out_character_rates.get_path()).read_text())
    assert {key: rates[key] for key in ("unit", "words", "insertions", "deletions", "substitutions", "ser")} == {
        "unit": "character", "words": 7, "insertions": 1, "deletions": 1, "substitutions": 0, "ser": 0.5,
    }  # fmt: skip
    first, _ = json.loads(Path(job.out_examples.get_path()).read_text())
    assert first == {"word": "a", "hypothesis": ["a", "abb"], "references": [["ab", "ab"]], "edits": 2}
