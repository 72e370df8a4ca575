"""Kept checkpoints of a training, which may be killed at any point."""

import pytest

from boulder.training import Checkpoint
from boulder.training.keep import Keep
from boulder.training.kept_folder import KeptFolder, kept_files
from tests.tiny import network, phase


@pytest.mark.long
def test_kept_checkpoints_are_those_of_their_epochs_wherever_the_job_is_killed(training, tmp_path, monkeypatch):
    phases = [phase(0, range(1, 4), network(1, 4)), phase(1, range(4, 6), network(1, 5))]
    keep = Keep(epochs=(1, 4), best=1, last=1)
    folder = KeptFolder(tmp_path / "kept", keep)
    last = training(phases, kept=folder)
    files = kept_files(folder.folder)
    assert set(files) == keep.wanted(last.history)
    assert {1, 4, 5} <= set(files)
    loaded = {epoch: Checkpoint.load(path) for epoch, path in files.items()}
    assert {epoch: len(checkpoint.history) for epoch, checkpoint in loaded.items()} == {epoch: epoch for epoch in files}
    assert loaded[5].checksum == last.checksum

    whole = KeptFolder.update
    killed = KeptFolder(tmp_path / "killed", keep)
    for epoch in (1, 4):

        def update(self, checkpoint, history, killed_in=epoch):
            if history[-1]["epoch"] == killed_in:
                raise SystemExit
            whole(self, checkpoint, history)

        monkeypatch.setattr(KeptFolder, "update", update)
        with pytest.raises(SystemExit):  # after the checkpoint was saved, before it was kept
            training(phases, "killed_job", kept=killed)
        monkeypatch.setattr(KeptFolder, "update", whole)
    training(phases, "killed_job", kept=killed)
    again = {epoch: Checkpoint.load(path).checksum for epoch, path in kept_files(killed.folder).items()}
    assert again == {epoch: checkpoint.checksum for epoch, checkpoint in loaded.items()}


def test_nothing_is_kept_by_default(training, tmp_path):
    training([phase(0, range(1, 3), network(1, 4))], kept=KeptFolder(tmp_path / "kept", Keep()))
    assert kept_files(tmp_path / "kept") == {}
