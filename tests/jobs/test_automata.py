"""Automata from a lexicon and transcripts, and from files of OpenFst."""

from pathlib import Path

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.errors import ConfigError
from boulder.lexicon import Topology, TranscriptAutomata
from jobs.automata import LexiconAutomataJob, OpenFstAutomataJob
from sisyphus import gs, tk

LEXICON = "ab a b\na a\na b a\n"
CORPUS = """<corpus name="c"><recording name="r" audio="r.wav">
<segment name="1" start="0" end="1"><orth> ab a </orth></segment></recording></corpus>"""


@pytest.fixture(autouse=True)
def _work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))


def run(job) -> dict[str, np.ndarray]:
    """:return: tag → rows"""
    job._sis_setup_directory()
    job.run()
    with open_dataset([job.out_hdf.get_path()]) as dataset:
        numbers = range(dataset.num_seqs)
        rows = [arrays["automata"] for arrays in dataset.read_many(numbers)]
        return dict(zip(dataset.tags(numbers), rows, strict=True))


@pytest.mark.parametrize(("name", "text", "tag"), [("t.txt", "x\tab a\n", "x"), ("c.xml", CORPUS, "c/r/1")])
def test_from_a_lexicon(tmp_path, name, text, tag):
    for file, content in {"lexicon.txt": LEXICON, name: text}.items():
        (tmp_path / file).write_text(content)
    lexicon, transcripts = tk.Path(str(tmp_path / "lexicon.txt")), tk.Path(str(tmp_path / name))
    job = LexiconAutomataJob(
        lexicon=lexicon, transcripts=transcripts, phonemes=["a", "b"], states=2, costs={"loop": 0.5}
    )
    topology = Topology(phonemes=["a", "b"], states=2, loop=0.5)
    maker = TranscriptAutomata({"ab": [("a", "b")], "a": [("a",), ("b", "a")]}, topology)
    found = run(job)
    assert list(found) == [tag]
    np.testing.assert_array_equal(found[tag], maker.arcs(["ab", "a"], tag))
    assert Path(job.out_classes.get_path()).read_text().split() == ["a.0", "a.1", "b.0", "b.1", "silence"]


def test_from_files_of_openfst(tmp_path):
    (tmp_path / "acceptors.txt").write_text("x\n0 1 3 0.5\n1 1 3\n1\n")
    found = run(OpenFstAutomataJob(acceptors=tk.Path(str(tmp_path / "acceptors.txt"))))
    assert found["x"].tolist() == [[0, 1, 2, 0.5], [1, 1, 2, 0], [1, 0, -1, 0]]


def test_wrong_arguments_are_found_before_the_job_runs(tmp_path):
    path = tk.Path(str(tmp_path / "x"))
    with pytest.raises(ConfigError, match="'states' must be an int of at least 1, found 0"):
        LexiconAutomataJob(lexicon=path, transcripts=path, phonemes=["a"], states=0)
