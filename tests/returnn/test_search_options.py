"""What a config says about its search, and the network of its tasks. No TensorFlow."""

import pytest

from boulder.errors import BoulderError
from boulder.returnn import load_config
from boulder.returnn.search_options import asks_for_search, search_options
from boulder.returnn.tasks import batch_options, data_of_task, forward_layer, task_network
from boulder.training.checkpoint import Checkpoint

CONFIG = """#!rnn.py
task = "search"
dev = {"class": "HDFDataset", "files": ["dev.hdf"]}
special = {"class": "HDFDataset", "files": ["special.hdf"]}
extern_data = {"data": {"dim": 5}, "bpe": {"dim": 7, "sparse": True, "vocab": {"vocab_file": "bpe.vocab", "bpe_file": "codes"}}}
target = "bpe"
search_output_layer = "decision"
search_output_file = "/somewhere/out.gz"
search_output_file_format = "py"
batch_size = 100
max_seqs = 3
load_epoch = 2
network = {
    "encoder": {"class": "linear", "from": "data", "n_out": 4, "activation": "tanh", "is_output_layer": True},
    "output": {"class": "rec", "from": [], "max_seq_len": 5, "target": target, "unit": {
        "output": {"class": "choice", "from": "prob", "target": target, "beam_size": 3, "initial_output": 0},
        "end": {"class": "compare", "from": "output", "value": 0},
        "label": {"class": "linear", "from": "prev:output", "n_out": 4, "activation": None},
        "prob": {"class": "softmax", "from": "label", "loss": "ce", "target": target},
    }},
    "decision": {"class": "decide", "from": "output", "is_output_layer": True},
}
pretrain = {"repetitions": 2, "construction_algo": lambda idx, net_dict: None if idx else
            dict(net_dict, encoder=dict(net_dict["encoder"], n_out=2))}
"""


def config(tmp_path, old: str = "", new: str = ""):
    assert old in CONFIG
    (tmp_path / "my.config").write_text(CONFIG.replace(old, new, 1))
    return load_config(tmp_path / "my.config")


def test_options_of_the_search(tmp_path):
    found = config(tmp_path).search()
    assert found.data_name == "dev"
    assert found.data == {"class": "HDFDataset", "files": [str(tmp_path / "dev.hdf")]}
    assert (found.output_layer, found.ctc, found.units) == ("decision", False, "bpe")
    assert (found.file_name, found.file_format) == ("out", "py")  # it is not compressed
    assert (found.batches.batch_size, found.batches.max_seqs) == (100, 3)
    vocabulary = {"class": "Vocabulary", "vocab_file": str(tmp_path / "bpe.vocab")}
    assert found.texts == {"decision": {"stream": "bpe", "vocabulary": vocabulary}}
    assert found.references == found.texts["decision"]


@pytest.mark.parametrize(
    ("vocab", "units"),
    [
        ('{"class": "SamplingBytePairEncoding", "vocab_file": "bpe.vocab", "breadth_prob": 0.1}', "bpe"),
        ('{"class": "SentencePieces", "model_file": "spm.model"}', "sentencepiece"),
        ('{"class": "CharacterTargets", "labels": "abcdefg"}', "characters"),
        ('{"vocab_file": "words"}', "words"),
    ],
)
def test_the_vocabulary_tells_the_units_of_words(tmp_path, vocab, units):
    assert config(tmp_path, '{"vocab_file": "bpe.vocab", "bpe_file": "codes"}', vocab).search().units == units


@pytest.mark.parametrize(
    ("line", "name", "file"),
    [
        ('search_data = "dev"', "dev", "dev.hdf"),
        ('search_data = "config:special"', "special", "special.hdf"),
        ('search_data = {"class": "HDFDataset", "files": ["own.hdf"]}', "search", "own.hdf"),
        ('eval = {"class": "HDFDataset", "files": ["eval.hdf"]}', "eval", "eval.hdf"),
        ('eval_datasets = {"test": special}; search_data = "test"', "test", "special.hdf"),
    ],
)
def test_the_data_set_is_the_one_that_returnn_decodes(tmp_path, line, name, file):
    found = config(tmp_path, "target =", f"{line}; target =").search()
    assert (found.data_name, found.data["files"]) == (name, [str(tmp_path / file)])


@pytest.mark.parametrize("task", [search_options, forward_layer])
def test_layers_that_differ_in_the_configs_behavior_version_are_refused(tmp_path, task):
    added = """behavior_version = 12
network = {
    "one": {"class": "linear", "from": "data", "n_out": 1, "activation": None},
    "sum": {"class": "combine", "kind": "add", "from": ["data", "one"], "is_output_layer": True},
"""
    found = config(tmp_path, "network = {\n", added)
    with pytest.raises(BoulderError, match=r"my\.config: .*layer 'sum': its sources have features of size 1"):
        task(found, found.network)


def test_several_layers_and_hypotheses_without_references(tmp_path):
    found = config(tmp_path, '"decision"\n', '["decision", "output"]; search_do_eval = False\n').search()
    assert found.output_layer == ["decision", "output"]
    assert found.references is None
    assert found.texts.keys() == {"decision", "output"}


def test_a_network_without_a_search_of_its_own_is_decoded_by_ctc(tmp_path):
    text = """#!rnn.py
dev = {"class": "HDFDataset", "files": ["dev.hdf"]}
extern_data = {"data": {"dim": 5}, "classes": (7, 1)}
network = {"output": {"class": "softmax", "loss": "ctc", "from": "data"}}
"""
    (tmp_path / "ctc.config").write_text(text)
    found = load_config(tmp_path / "ctc.config").search()
    assert found.ctc
    assert found.references == {"stream": "classes"}
    assert found.file_name == "search.dev.txt"
    assert not asks_for_search(load_config(tmp_path / "ctc.config"))


def test_only_options_of_the_search_ask_for_one(tmp_path):
    assert asks_for_search(config(tmp_path))
    (tmp_path / "train.config").write_text(CONFIG.replace("search_output", "other_output"))
    assert not asks_for_search(load_config(tmp_path / "train.config"))


def test_the_network_is_that_of_the_epoch_of_the_checkpoint(tmp_path):
    """The first index lasts two epochs and has an encoder of half the width."""
    loaded = config(tmp_path, "load_epoch = 2", 'load_epoch = 2; load = "net.pretrain.002"')
    found = task_network(loaded)
    assert (found.network["encoder"]["n_out"], found.epoch) == (2, 2)
    assert found.sources[0]["checkpoint"] == str(tmp_path / "net.pretrain.002")
    later = task_network(config(tmp_path, "load_epoch = 2", 'load = "net.003"'))
    assert (later.network["encoder"]["n_out"], later.epoch) == (4, 3)
    other = task_network(config(tmp_path), checkpoint="/elsewhere/checkpoint.h5")
    assert other.sources[0]["checkpoint"] == "/elsewhere/checkpoint.h5"
    for position, epoch in ((None, 2), ({"batch": 3, "sums": {}}, 1)):  # whatever its name
        Checkpoint(2, 9, 1, 0, {}, {}, {}, position=position).save(tmp_path / "epoch.000007.h5")
        found = task_network(config(tmp_path), checkpoint=str(tmp_path / "epoch.000007.h5"))
        assert (found.network["encoder"]["n_out"], found.epoch) == (2, epoch)


def test_a_checkpoint_under_model_is_found_if_it_exists(tmp_path):
    with_model = config(tmp_path, "load_epoch = 2", 'load_epoch = 2; model = "net"')
    assert task_network(with_model).sources is None
    (tmp_path / "net.pretrain.002.index").touch()
    assert task_network(with_model).sources[0]["checkpoint"] == str(tmp_path / "net.pretrain.002")


def test_preloaded_files_of_other_tasks_than_training_are_sources(tmp_path):
    line = 'preload_from_files = {"lm": {"filename": "lm.001", "prefix": "lm/"}}; load = "net.003"'
    sources = task_network(config(tmp_path, "load_epoch = 2", line)).sources
    assert [source["checkpoint"] for source in sources] == [str(tmp_path / "lm.001"), str(tmp_path / "net.003")]


def test_options_of_forwarding(tmp_path):
    found = config(tmp_path, "load_epoch = 2", 'forward_batch_size = 7; forward_output_layer = "encoder"')
    network = task_network(found).network
    assert forward_layer(found, network) == "encoder"
    assert batch_options(found, "forward_batch_size").batch_size == 7
    assert data_of_task(found, "", ("eval", "dev"))[0] == "dev"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"decision"\n', '"decison"\n', r"search: there is no layer 'decison'; did you mean 'decision'"),
        ('"decision"\n', "7\n", "'search_output_layer': found 7, expected names of layers"),
        ('"py"', '"text"', "'search_output_file_format': found 'text', expected py or txt"),
        ('"py"', '"txt"; search_output_layer = ["decision", "output"]', "'search_output_file_format': found 'txt' with 2 output layers"),
        ("target =", 'search_data = "devv"; target =', "'search_data': found 'devv', which is no data set .*'dev'"),
        ("dev =", "other =", "'search_data': found 'eval', which is no data set of the config, expected other, special"),
        ('"HDFDataset", "files": ["dev', '"HDFDatset", "files": ["dev', "'dev': neither Boulder nor RETURNN has a data set class 'HDFDatset'.*'HDFDataset'"),
        ('"vocab_file"', '"vocab_fil"', r"extern_data\['bpe'\]: 'vocab': BytePairEncoding has no option 'vocab_fil'"),
        ("batch_size = 100", "batch_size = -1", "'batch_size': found -1, expected a positive number of frames"),
        ("target =", "window = 3; target =", "'window': found 3; Boulder does not support it yet"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_reported_with_the_name_of_the_file(tmp_path, old, new, message):
    with pytest.raises(BoulderError, match=rf"my\.config: {message}"):
        config(tmp_path, old, new).search()


def test_a_wrong_option_of_forwarding_is_reported(tmp_path):
    found = config(tmp_path, "target =", "forward_callback = len; target =")
    with pytest.raises(BoulderError, match=r"'forward_callback': found .*; Boulder writes the outputs of layers"):
        forward_layer(found, found.network)
    found = config(tmp_path, "target =", 'forward_output_layer = "encode"; target =')
    with pytest.raises(BoulderError, match=r"'forward_output_layer': .* did you mean 'encoder'|no layer 'encode'"):
        forward_layer(found, found.network)


def test_training_such_a_config_names_the_function_for_its_task(tmp_path):
    found = config(tmp_path, "target =", "train = dev; target =")
    with pytest.raises(
        BoulderError, match=r"'task': found 'search'; this trains; config/returnn\.py has other functions"
    ):
        found.training()
    assert search_options(found, found.network).data_name == "dev"
