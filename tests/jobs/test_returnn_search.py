"""A RETURNN config with options of a search is trained, decoded and scored by one command; other tasks reuse the training."""

import re

import h5py
import numpy as np
import pytest

from tests.jobs.conftest import ROOT

CONFIG = """#!rnn.py
train = {"class": "HDFDataset", "files": ["@data@/train.hdf"]}
dev = {"class": "HDFDataset", "files": ["@data@/dev.hdf"]}
search_data = "dev"
search_output_layer = "output"
search_output_file = "/somewhere/hypotheses.txt"
extern_data = {"data": {"dim": 6, "sparse": True},
               "classes": {"dim": 5, "sparse": True, "vocab": {"vocab_file": "letters.vocab", "bpe_file": "codes"}}}
num_epochs = 2
batch_size = {"data": 60, "classes": 60}
max_seqs = 6
learning_rate = 0.01
adam = True
network = {
    "embedding": {"class": "linear", "n_out": 4, "activation": None, "from": "data"},
    "fw": {"class": "rec", "unit": "nativelstm2", "n_out": 6, "from": "embedding"},
    "output": {"class": "softmax", "loss": "ctc", "from": "fw"},
}
"""


@pytest.fixture
def setup(project, data):
    """:return: function (old text, new text) that writes the config file with a replacement"""

    def write(old: str = "", new: str = "") -> None:
        assert old in CONFIG
        (project.folder / "my.config").write_text(CONFIG.replace(old, new, 1).replace("@data@", str(data)))

    (project.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
    (project.folder / "letters.vocab").write_text("a@@\nb\nc@@\nd\ne@@\n")
    write()
    return write


EVERY_TASK = """
from config.returnn import forward, prior, search, setup

def every_task():
    setup("my.config")
    forward("my.config", layers={"data": "output", "letters": "data:data"})
    prior("my.config", data="dev")
    search("my.config", data="dev", units="words")
"""


@pytest.mark.slow
def test_one_pipeline_trains_decodes_scores_and_reports_and_other_tasks_use_its_network(project, setup):
    project.write_config(EVERY_TASK, "tasks")
    code, output = project.run("boulder", "run", "config/tasks.every_task")
    assert code == 0, output
    folder = project.folder / "output/my"
    assert (folder / "checkpoint.h5").exists()
    lines = (folder / "hypotheses.txt").read_text().splitlines()
    assert len(lines) == 8
    assert {unit for line in lines for unit in line.split()} <= {"a@@", "b", "c@@", "d", "e@@"}
    assert re.fullmatch(
        r"dev: WER .* on 8 sequences, counted by (Boulder|sclite)\n", (folder / "wer.dev.txt").read_text()
    )
    report = (folder / "report.html").read_text()
    assert "<h2>Word errors</h2>" in report
    assert "<h2>Decoded sequences</h2>" in report
    classes = sorted(job.rpartition(".")[0] for job in project.finished_jobs())
    assert classes == sorted(
        [
            "PhaseTrainingJob",
            "ReturnnSearchJob",
            "ReferencesJob",
            "WordsJob",
            "WordsJob",
            "WordScoringJob",
            "WordScoringJob",
            "ReportJob",
            "ForwardJob",
            "PriorJob",
        ]
    )

    with h5py.File(folder / "forward.dev.hdf") as file:
        posteriors, lengths = file["inputs"][...], file["seqLengths"][:, 0]
    assert posteriors.shape == (lengths.sum(), 6)
    np.testing.assert_allclose(np.exp(np.loadtxt(folder / "prior.txt")), posteriors.mean(axis=0), rtol=1e-5)

    words = next(project.folder.glob("work/jobs/word_scoring/*/output/hypotheses.trn"))
    assert len(words.read_text().splitlines()) == 8


def test_a_search_that_is_not_possible_is_told_and_the_training_is_laid_out(project, setup):
    setup('search_output_layer = "output"', 'search_output_layer = "decision"')
    code, output = project.run("boulder", "plan", "config/returnn.setup('my.config')", "--check")
    assert code == 0, output
    assert "is not laid out: " in output
    assert "there is no layer 'decision'" in output


def test_a_config_without_a_search_gets_none(project, setup):
    setup('search_data = "dev"\nsearch_output_layer = "output"\nsearch_output_file = "/somewhere/hypotheses.txt"\n')
    assert project.status("config/returnn.setup('my.config')")["other_jobs"] == []
