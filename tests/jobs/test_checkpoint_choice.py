"""Commands choose the checkpoint of a search by a text."""

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import ConfigError
from jobs.checkpoint_choice import CheckpointChoice
from tests.tiny import EXTERN_DATA, write_data

CONFIG = f"""#!rnn.py
train = {{"class": "HDFDataset", "files": ["train.hdf"]}}
dev = {{"class": "HDFDataset", "files": ["dev.hdf"]}}
extern_data = {EXTERN_DATA!r}
batch_size, max_seqs, learning_rate, num_epochs = 60, 6, 0.01, 5
network = {{"fw": {{"class": "linear", "from": "data", "n_out": 4, "activation": "tanh"}},
            "output": {{"class": "softmax", "loss": "ctc", "from": "fw"}}}}
"""


@pytest.fixture
def search(tmp_path, monkeypatch):
    """:return: function from a text to the search job"""
    from config.returnn import search
    from sisyphus import gs

    write_data(tmp_path)
    (tmp_path / "my.config").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))

    def laid_out(checkpoint, old="", new=""):
        assert old in CONFIG
        (tmp_path / "my.config").write_text(CONFIG.replace(old, new, 1))
        return search("my.config", checkpoint, "dev").hypotheses.creator

    return laid_out


@pytest.mark.parametrize(
    ("text", "choice", "label"),
    [
        ("last", CheckpointChoice("last"), ""),
        ("best", CheckpointChoice("best"), "best"),
        ("best:dev_error", CheckpointChoice("best", 1, "dev_error"), "best.dev_error"),
        ("best:dev_score", CheckpointChoice("best", 1, "dev_score"), "best.dev_score"),
        ("average:4", CheckpointChoice("average", 4), "average4"),
        ("average_best:3:dev_score", CheckpointChoice("average_best", 3, "dev_score"), "average_best3.dev_score"),
        (7, CheckpointChoice("epoch", 7), "epoch7"),
        ("some/net.007", None, None),
        ("checkpoint.h5", None, None),
    ],
)
def test_texts_are_read(text, choice, label):
    found = CheckpointChoice.of(text)
    assert found == choice
    assert label is None or found.label == label


@pytest.mark.parametrize("text", ["bets", "best:a:b", "average", "average:0", "average:4:dev_score", "last:2", 0, True])
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match=r"checkpoint: found .*, expected last, best"):
        CheckpointChoice.of(text)


@pytest.mark.parametrize(
    ("checkpoint", "creator", "name"),
    [
        ("last", "PhaseTrainingJob", "my/search.dev"),
        ("best", "SelectCheckpointsJob", "my/search.best.dev"),
        ("best:dev_score", "SelectCheckpointsJob", "my/search.best.dev_score.dev"),
        ("average:2", "AverageCheckpointsJob", "my/search.average2.dev"),
        ("average_best:2", "AverageCheckpointsJob", "my/search.average_best2.dev"),
        (3, "PhaseTrainingJob", "my/search.epoch3.dev"),
    ],
)
def test_the_search_uses_the_checkpoint_and_the_training_keeps_it(search, checkpoint, creator, name):
    job = search(checkpoint)
    assert type(job.checkpoint.creator).__name__ == creator
    assert name in job.get_aliases()


def test_a_config_whose_task_is_a_search_is_trained_first_unless_it_names_a_checkpoint(search):
    as_search = search("last", "#!rnn.py\n", '#!rnn.py\ntask = "search"\n')
    assert as_search.checkpoint.creator.job_id() == search("last").checkpoint.creator.job_id()


def test_what_is_kept_changes_no_training(search):
    def training(job):
        creator = job.checkpoint.creator
        while type(creator).__name__ != "PhaseTrainingJob":
            creator = min((path.creator for path in creator._sis_inputs), key=lambda found: found.job_id())
        return creator.job_id()

    assert len({training(search(checkpoint)) for checkpoint in ("last", "best", 3)}) == 1


@pytest.mark.parametrize(
    ("checkpoint", "old", "new", "message"),
    [
        ("best:dev_eror", "", "", "by: found 'dev_eror', which no phase computes, .*; did you mean 'dev_error'"),
        (
            "average_best:2",
            "batch_size,",
            "cleanup_old_models = {'keep_best_n': 1}\nbatch_size,",
            "expected 'cleanup_old_models'",
        ),
        (9, "", "", "keep_epochs: found 9, expected epochs from 1 to 5"),
    ],
)
def test_a_checkpoint_that_is_not_kept_is_reported(search, checkpoint, old, new, message):
    with pytest.raises(ConfigError, match=message):
        search(checkpoint, old, new)
