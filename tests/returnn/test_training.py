"""Rules and data sets that a RETURNN config chooses: Boulder's registered classes."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from boulder.data import PATHS, HdfDataset, canonical_description, dataset_class
from boulder.data.dataset import dataset_classes
from boulder.errors import ConfigError
from boulder.returnn.training import data_description, training_config
from boulder.training.learning_rate import CONTROLS, Scheduled


def config(**values) -> SimpleNamespace:
    return SimpleNamespace(file=Path("/setup/my.config"), values=values)


def test_registered_rules_are_accepted(monkeypatch):
    monkeypatch.setitem(CONTROLS, "my_rule", Scheduled)
    for rule in ("constant", "my_rule"):
        assert training_config(config(learning_rate_control=rule)) == {"learning_rate_control": rule}
    assert training_config(config(learning_rate_control=None)) == {}


@pytest.mark.parametrize("rule", ["newbob_multi_epoch", "schedulde", ["constant"]])
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
    found = data_description(config(train={**value, "partition_epoch": 1, "seq_ordering": None}), "train")
    assert found == value | {"files": ["/setup/a.hdf", "/b.hdf"], "extra": ["/setup/c.hdf"]}
    assert canonical_description(found) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"class": "ExternSprintDataset"}, "class 'ExternSprintDataset' cannot be read, expected 'HDFDataset'"),
        ({"files": []}, "class None cannot be read"),
        ({"class": "HDFDataset", "partition_epoch": 2}, "does not support the option 'partition_epoch' of HDFDataset"),
        ({"class": "HDFDataset", "fils": []}, "the option 'fils' of HDFDataset yet; did you mean 'files'"),
    ],
)
def test_other_data_sets_and_options_are_refused(value, message):
    with pytest.raises(ConfigError, match=f"my\\.config: 'train': .*{message}"):
        data_description(config(train=value), "train")
