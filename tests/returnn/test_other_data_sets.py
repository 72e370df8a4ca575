"""Data sets of a config that Boulder has no reader for: what the manager makes of them, without RETURNN and without data."""

import json
import subprocess
import sys

import pytest

from boulder.data import canonical_description, open_dataset, paths_in, with_digests
from boulder.data.of_returnn.returnn_classes import RETURNN_CLASSES
from boulder.data.python_values import from_json, to_json
from boulder.errors import ConfigError, ConfigProblems, DataError
from boulder.returnn import load_config

CONFIG = """#!rnn.py
from returnn.config import get_global_config
from returnn.datasets.basic import DatasetSeq
from returnn.datasets.cached2 import CachedDataset2
from returnn.datasets.generating import StaticDataset as Static
from returnn.datasets.hdf import HDFDataset

size = 3
unused = 5

class Own(CachedDataset2):
    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.size = get_global_config().int("size", 1)

class Unused(CachedDataset2):
    pass

def own(count):
    return {"class": Own, "count": count}

extern_data = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}}
network = {"output": {"class": "softmax", "loss": "ce", "from": "data"}}
num_epochs = 2
learning_rate = 0.5
train = %s
"""


@pytest.fixture
def described(tmp_path, monkeypatch):
    """:return: function (value of `train`, further lines, old and new text of the config) → its description"""

    def describe(train: str, lines: str = "", old: str = "", new: str = "") -> dict:
        assert old in CONFIG
        (tmp_path / "my.config").write_text(CONFIG.replace(old, new, 1) % train + lines)
        monkeypatch.setitem(sys.modules, "returnn", None)  # an import would fail
        return load_config(tmp_path / "my.config").training().train_data

    return describe


def hashed(description: dict) -> str:
    return json.dumps(with_digests(description), sort_keys=True)


def test_each_class_of_returnn_that_has_no_reader_is_described_with_the_folder_of_the_config(described, tmp_path):
    found = described("{'class': 'LibriSpeechCorpus', 'path': 'corpus', 'prefix': 'train'}", "batching = 'random'\n")
    assert found["folder"] == str(tmp_path)
    assert found["dataset"] == {
        "class": "LibriSpeechCorpus", "name": "train", "path": "corpus", "prefix": "train", "seq_ordering": "random",
    }  # fmt: skip
    assert canonical_description(found) == found
    for name in sorted(RETURNN_CLASSES):
        assert canonical_description({"class": f"returnn:{name}"}) == {
            "class": "ReturnnDataset",
            "dataset": {"class": name},
        }


def test_boulders_readers_have_precedence_unless_one_of_their_parts_has_no_reader(described):
    hdf = "{'class': 'HDFDataset', 'files': ['a.hdf']}"
    assert described(hdf)["class"] == described(hdf.replace("'HDFDataset'", "HDFDataset"))["class"] == "HDFDataset"
    meta = "{'class': 'MetaDataset', 'datasets': {'a': %s}, 'data_map': {'data': ('a', 'data'), 'classes': ('a', 'classes')}}"
    assert described(meta % hdf)["class"] == "MetaDataset"
    found = described(meta % "{'class': 'TimitDataset', 'timit_dir': '/timit'}")
    assert (found["class"], found["dataset"]["class"]) == ("ReturnnDataset", "MetaDataset")
    assert from_json(found["dataset"])["data_map"]["data"] == ("a", "data")


def test_options_of_the_config_reach_the_classes_that_ask_for_them(described):
    assert described("own(3)")["config"] == {"size": 3}
    speech = "{'class': 'TimitDataset', 'timit_dir': '/timit'}"
    assert "config" not in described(speech)
    assert described(speech, "dataset_random_seed_offset = 7\n")["config"] == {"dataset_random_seed_offset": 7}


def test_the_hash_holds_the_description_and_what_the_class_needs_and_nothing_else(described):
    found = hashed(described("own(3)"))
    assert "count" in found
    same = [
        described("own(3)", old="unused = 5", new="unused = 6"),
        described("own(3)", old="    pass", new="    other = 1"),
        described("own(3)", "\n# a comment\n"),
    ]
    assert {hashed(each) for each in same} == {found}
    others = [
        described("own(4)"),
        described("own(3)", old="size = 3", new="size = 2"),
        described("own(3)", old="self.size = ", new="self.width = "),
    ]
    assert len({found, *map(hashed, others)}) == 4


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("'config:own(3)'", "own(3)"),
        ("lambda: own(3)", "own(3)"),
        ("\"{'class': 'TimitDataset', 'timit_dir': '/timit'}\"", "{'class': 'TimitDataset', 'timit_dir': '/timit'}"),
        ("'TimitDataset:timit_dir=\"/timit\",demo_play_audio=True'", "{'class': 'TimitDataset', 'timit_dir': '/timit', 'demo_play_audio': True}"),
        ("'a.hdf,b.hdf'", "{'class': 'HDFDataset', 'files': ['a.hdf', 'b.hdf']}"),
        ("'sprint:--config=my.config'", "{'class': 'ExternSprintDataset', 'sprintConfigStr': '--config=my.config', 'sprintTrainerExecPath': 'nn-trainer'}"),
    ],
)  # fmt: skip
def test_a_text_or_a_function_is_the_dict_that_returnn_makes_of_it(described, train, expected):
    lines = "sprint_trainer_exec_path = 'nn-trainer'\n"
    assert described(train, lines) == described(expected, lines)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("{'class': 'LibriSpechCorpus'}", "neither Boulder nor RETURNN has a data set class 'LibriSpechCorpus', .*; did you mean 'LibriSpeechCorpus'"),
        ("{'class': 'returnn:HdfDataset'}", "RETURNN has no data set class 'HdfDataset'"),
        ("{'class': 'TimitDataset', 'context_window': 5}", "'context_window': found 5; Boulder forms the batches by itself"),
        ("'config:owm(3)'", "'config:owm.3.': NameError: name 'owm' is not defined"),
        ("'sprint:--config=my.config'", "found 'sprint:--config=my.config', but no 'sprint_trainer_exec_path'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_reported_with_the_nearest_name(described, train, message):
    with pytest.raises((ConfigError, ConfigProblems), match=f"'train': .*{message}"):
        described(train)


def test_without_the_package_the_manager_names_class_and_extra_without_opening_the_data(monkeypatch):
    description = {"class": "LibriSpeechCorpus", "path": "/no/such/path"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with (
        open_dataset(description) as dataset,
        pytest.raises(DataError, match=r"^LibriSpeechCorpus: .*boulder\[returnn\]"),
    ):
        dataset.check_before_jobs()
    with open_dataset(description) as dataset, pytest.raises(DataError, match=r"^LibriSpeechCorpus: .*not installed"):
        dataset.check()


def test_chunks_are_those_of_boulders_batches_and_none_leaves_the_order_to_the_config(described, tmp_path):
    speech = "{'class': 'TimitDataset', 'timit_dir': '', 'chunking': '5:3', 'seq_ordering': None}"
    found = described(speech, "batching = 'random'\n")["dataset"]
    assert found == {"class": "TimitDataset", "name": "train", "seq_ordering": "random", "timit_dir": ""}
    assert load_config(tmp_path / "my.config").training().config["chunking"] == "5:3"


class PathOfAJob:
    def get_path(self):
        return "work/job/output/timit"


def test_paths_of_jobs_are_found_and_resolved_wherever_they_are():
    path = PathOfAJob()
    given = {"class": "TimitDataset", "timit_dir": path, "more": [(path, 1)], "by_number": {1: path}}
    found = canonical_description(given)
    assert list(paths_in(found)) == [path] * 3
    with open_dataset(found) as dataset:
        opened = from_json(dataset.dataset)
    text = path.get_path()
    assert (opened["timit_dir"], opened["more"], opened["by_number"]) == (text, [(text, 1)], {1: text})


def test_a_description_by_hand_needs_no_config():
    found = canonical_description(
        {"class": "TimitDataset", "timit_dir": "/timit", "shape": (3, None), "ids": {5: {1, 2}}}
    )
    assert found["class"] == "ReturnnDataset"
    assert {key: from_json(found["dataset"])[key] for key in ("shape", "ids")} == {
        "shape": (3, None),
        "ids": {5: {1, 2}},
    }
    with pytest.raises(DataError, match="seq_ordering: expected it in 'dataset', where the class reads it"):
        canonical_description({**found, "seq_ordering": "random"})


@pytest.mark.parametrize(
    "value",
    [(1, (2.5, None)), {(1, 5): {"max": 3}, None: [(1,)]}, {"a": {3, 1}, "b": True}, [float("inf"), "text"], {}],
)
def test_values_of_python_come_back_from_json_unchanged(value):
    plain = to_json(value, "train")
    assert from_json(json.loads(json.dumps(plain))) == value
    assert to_json(plain, "train") == plain


def test_planning_neither_imports_returnn_nor_tensorflow_nor_takes_longer_than_with_boulders_readers(tmp_path):
    data = {"own": "own(3)", "native": "{'class': 'HDFDataset', 'files': ['a.hdf']}"}
    for name, train in data.items():
        (tmp_path / f"{name}.config").write_text(CONFIG % train)
    code = (
        "import sys, time; from boulder.returnn import load_config\n"
        "for name in ['native', 'own', 'native', 'own']:\n"
        "    start = time.process_time(); load_config(name + '.config').training(); print(time.process_time() - start)\n"
        "assert not {'returnn', 'tensorflow'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *_, native, own = map(float, done.stdout.split())
    assert own < native + 0.5
