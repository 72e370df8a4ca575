"""Rules and data sets that a RETURNN config chooses: Boulder's registered classes."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from boulder.data import PATHS, HdfDataset, canonical_description, dataset_class
from boulder.data.dataset import dataset_classes
from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.returnn.training import data_description, training_config
from boulder.training.learning_rate import CONTROLS, NewbobMultiEpoch, Scheduled, learning_rate_control


def config(**values) -> SimpleNamespace:
    return SimpleNamespace(file=Path("/setup/my.config"), values=values)


def test_registered_rules_are_accepted(monkeypatch):
    monkeypatch.setitem(CONTROLS, "my_rule", Scheduled)
    for rule in ("constant", "my_rule"):
        assert training_config(config(learning_rate_control=rule)) == {"learning_rate_control": rule}
    assert training_config(config(learning_rate_control=None)) == {}


def test_options_of_the_rule_of_a_config_file_reach_it(tmp_path):
    file = tmp_path / "my.config"
    file.write_text(
        "#!rnn.py\n"
        "network = {'output': {'class': 'softmax', 'loss': 'ce', 'from': 'data', 'n_out': 2}}\n"
        "num_epochs = 3\n"
        "learning_rate = 0.5\n"
        "learning_rate_control = 'newbob_multi_epoch'\n"
        "learning_rate_control_relative_error_relative_lr = True\n"
        "learning_rate_control_min_num_epochs_per_new_lr = 2\n"
        "learning_rate_control_error_measure = 'dev_error'\n"
        "newbob_multi_num_epochs = 6\n"
        "newbob_learning_rate_decay = lambda rate: rate * 0.9\n"
        "newbob_error_threshold = 0.1  # of another rule: RETURNN ignores it\n"
    )
    loaded = load_config(file)
    rule = learning_rate_control(training_config(loaded), loaded.plan(0))
    assert isinstance(rule, NewbobMultiEpoch)
    assert (rule.newbob_multi_num_epochs, rule.learning_rate_control_min_num_epochs_per_new_lr) == (6, 2)
    assert rule.learning_rate_control_relative_error_relative_lr
    assert rule.learning_rate_control_error_measure == "dev_error"
    assert rule.newbob_learning_rate_decay(1.0) == 0.9
    assert rule.initial_rate == 0.5


@pytest.mark.parametrize("rule", ["newbob_multi", "schedulde", ["constant"]])
def test_other_rules_are_refused(rule):
    with pytest.raises(ConfigError, match=r"my\.config: Boulder has no learning_rate_control .*expected one of"):
        training_config(config(learning_rate_control=rule))


def test_registered_data_sets_are_accepted_with_their_options(monkeypatch):
    monkeypatch.setattr("boulder.data.dataset._classes", dict(dataset_classes()))

    @dataset_class("OwnDataset")
    @dataclass(kw_only=True, eq=False)
    class OwnDataset(HdfDataset):
        extra: list[str] = field(metadata=PATHS)
        speed: float = 1.0

    value = {"class": "OwnDataset", "files": ["a.hdf", "/b.hdf"], "extra": "c.hdf", "speed": 2.0, "order_by": "data"}
    found = data_description(config(train={**value, "seq_ordering": None}), "train")
    assert found == value | {"files": ["/setup/a.hdf", "/b.hdf"], "extra": ["/setup/c.hdf"]}
    assert canonical_description(found) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"class": "ExternSprintDataset"}, "class 'ExternSprintDataset' cannot be read, expected 'HDFDataset'"),
        ({"files": []}, "class None cannot be read"),
        ({"class": "HDFDataset", "window": 2}, "does not support the option 'window' of HDFDataset"),
        ({"class": "HDFDataset", "fils": []}, "the option 'fils' of HDFDataset yet; did you mean 'files'"),
    ],
)
def test_other_data_sets_and_options_are_refused(value, message):
    with pytest.raises(ConfigError, match=f"my\\.config: 'train': .*{message}"):
        data_description(config(train=value), "train")
