"""The data sets of each phase are those that RETURNN's engine has after it has applied the same `#config`s."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.returnn.data_sets import DataSets
from boulder.returnn.phase_data_sets import PhaseDataSets
from boulder.training.phase_making import eval_data_of

pytestmark = pytest.mark.parity

NAMES = ("dev", "eval", "first", "second")

RETURNN = """
import json, sys
import returnn.datasets.basic
from returnn.config import Config
from returnn.tf.engine import Engine

class Stub(returnn.datasets.basic.Dataset):
    def __init__(self, description): self.number = description["number"]
    def finish_epoch(self): pass
    def init_seq_order(self, epoch): pass

def described(value):
    if isinstance(value, dict):
        return {name: described(item) for name, item in value.items()}
    return {"class": "Stub", "number": value}

def data_of_phases(config, phases):
    engine = Engine.__new__(Engine)
    engine.config = Config()
    engine.config.update(described(config))
    engine.orig_config, engine.dataset_batches, engine.learning_rate_control, engine.pretrain = {}, {}, None, None
    names = {key: config[key] for key in ("dev", "eval")} | config["eval_datasets"]
    engine.train_data = Stub(described(config["train"]))
    engine.eval_datasets = {name: Stub(described(value)) for name, value in names.items()}
    for epoch, overrides in enumerate(phases, 1):
        engine._maybe_update_config({"#config": described(overrides)}, epoch)
        yield {name: stub.number for name, stub in {"train": engine.train_data, **engine.eval_datasets}.items()}

returnn.datasets.basic.init_dataset = lambda value, default_kwargs: Stub(value)
cases = json.load(open(sys.argv[1]))
json.dump([list(data_of_phases(*case)) for case in cases], open(sys.argv[2], "w"))
"""


def case(number: random.Random) -> tuple[dict, list[dict]]:
    """:return: data sets of a config, and the overrides of its phases; a number stands for a data set"""

    def further() -> dict[str, int]:
        return {name: number.randrange(10, 99) for name in number.sample(NAMES, number.randrange(4))}

    phases = []
    for _ in range(number.randrange(1, 6)):
        overrides = {key: number.randrange(10, 99) for key in ("train", "dev", "eval") if number.random() < 0.3}
        phases.append(overrides | ({"eval_datasets": further()} if number.random() < 0.5 else {}))
    return {"train": 1, "dev": 2, "eval": 3, "eval_datasets": further()}, phases


def of_boulder(config: dict, phases: list[dict]) -> list[dict[str, int]]:
    def described(value):
        if isinstance(value, dict):
            return {name: described(item) for name, item in value.items()}
        return {"class": "HDFDataset", "files": [f"/{value}.hdf"]}

    data_sets = DataSets(described(config), Path("/"))
    of_config: dict = {}
    for key in ("train", "dev", "eval", "eval_datasets"):
        of_config |= data_sets.described(key)
    of_phases, found = PhaseDataSets(data_sets), []
    for overrides in phases:
        own = of_phases.next(described(overrides))
        data = {key: {**of_config, **own}[key] for key in ("train", "dev")}
        data |= eval_data_of(of_config, "") | eval_data_of(own, "")
        found.append({name: int(Path(description["files"][0]).stem) for name, description in data.items()})
    return found


def test_data_sets_of_phases_are_those_of_returnn(tmp_path):
    number = random.Random(1)
    cases = [case(number) for _ in range(300)]
    (tmp_path / "cases").write_text(json.dumps(cases))
    command = [sys.executable, "-c", RETURNN, tmp_path / "cases", tmp_path / "found"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = json.loads((tmp_path / "found").read_text())
    assert any(
        len(data) > len({*config["eval_datasets"], "train", "dev", "eval"})
        for (config, _), found in zip(cases, expected, strict=True)
        for data in found[1:]
    )
    for one, found in zip(cases, expected, strict=True):
        assert of_boulder(*one) == found, one
