"""`load_config(…).training()`: what `lay_out` needs, or everything that Boulder refuses."""

import sys

import pytest

from boulder.errors import ConfigError, ConfigProblems
from boulder.returnn import load_config
from boulder.returnn.training_config import DEFAULTS
from boulder.training.learning_rate import CONTROLS, NewbobMultiEpoch, Scheduled, learning_rate_control

CONFIG = """#!rnn.py
train = {"class": "HDFDataset", "files": ["train.hdf"], "seq_ordering": "random"}
dev = {"class": "HDFDataset", "files": ["/data/dev.hdf"]}
extern_data = {"data": {"dim": 5}, "classes": {"dim": 2, "sparse": True}}
network = {
    "rec": {"class": "rec", "from": "data", "n_out": 2}, "output": {"class": "softmax", "loss": "ce", "from": "rec"}}
num_epochs = 3
batch_size = 20
learning_rate = 0.5
"""


@pytest.fixture
def config(tmp_path):
    """:return: function from further lines to the loaded config"""

    def write(text="", base=CONFIG):
        (tmp_path / "my.config").write_text(base + text)
        return load_config(tmp_path / "my.config")

    return write


@pytest.fixture
def problems(config):
    """:return: function from further lines to the messages"""

    def found(text="", base=CONFIG):
        with pytest.raises(ConfigProblems) as caught:
            config(text, base).training(networks=True)
        return list(caught.value.problems)

    return found


def algo(*overrides: str) -> str:
    return f"""
pretrain = {{"construction_algo": lambda idx, net_dict: dict(net_dict, **{{"#config": [{", ".join(overrides)}][idx]}})
            if idx < {len(overrides)} else None}}
"""


def test_it_has_the_arguments_of_the_pipeline_and_opens_no_file(config, tmp_path):
    training = config().training()
    assert training.train_data == {
        "class": "HDFDataset", "files": [str(tmp_path / "train.hdf")], "seq_ordering": "random",
    }  # fmt: skip
    assert training.dev_data == {"class": "HDFDataset", "files": ["/data/dev.hdf"], "seq_ordering": "sorted"}
    assert training.config == {
        "batch_size": 20, "max_seqs": None, "learning_rate": 0.5, "returnn_batches": True, "cleanup_old_models": False,
        "optimizer": {"class": "sgd"},
    }  # fmt: skip
    assert [phase.epochs for phase in training.plan.phases] == [range(1, 4)]
    assert training.longer_plan(2).num_epochs == 5
    assert {*training.arguments()} == {
        *("plan", "config", "extern_data", "train_data", "dev_data", "eval_data", "start_from", "function_options"),
    }  # fmt: skip


def test_eval_and_eval_datasets_are_further_data_and_those_named_dev_and_train_are_these(config):
    hdf = "{'class': 'HDFDataset', 'files': ['/data/%s.hdf']}"
    text = f"eval = {hdf % 'eval'}\neval_datasets = {{'devtrain': {hdf % 'a'}, 'dev': {hdf % 'b'}}}\n"
    training = config(text).training()
    files = {name: data["files"] for name, data in training.eval_data.items()}
    assert files == {"eval": ["/data/eval.hdf"], "devtrain": ["/data/a.hdf"]}
    assert training.dev_data["files"] == ["/data/b.hdf"]
    text += f"network['#config'] = {{'eval_datasets': {{'train': {hdf % 'c'}, 'more': {hdf % 'd'}}}, 'eval': None}}\n"
    (phase,) = config(text).training().plan.phases
    assert phase.config["train"]["files"] == ["/data/c.hdf"]
    assert {name: data["files"] for name, data in phase.config["eval_datasets"].items()} == {"more": ["/data/d.hdf"]}
    assert phase.config["eval"] is None


def test_evaluation_sets_that_a_phase_adds_stay_and_others_are_set_back(config):
    hdf = "{'class': 'HDFDataset', 'files': ['/data/%s.hdf']}"
    own = f"eval_datasets = {{'devtrain': {hdf % 'a'}}}\n"
    added = f"{{'eval_datasets': {{'devtrain': {hdf % 'b'}, 'more': {hdf % 'c'}}}, 'dev': {hdf % 'd'}, 'train': {hdf % 'e'}}}"
    phases = config(own + algo(added, "{}", f"{{'eval_datasets': {{'more': {hdf % 'f'}}}}}")).training().plan.phases
    found = [phase.config.get("eval_datasets", {}) for phase in phases]
    assert [{name: data["files"][0][6] for name, data in further.items()} for further in found] == [
        {"devtrain": "b", "more": "c"}, {"more": "c"}, {"more": "f"},
    ]  # fmt: skip
    assert ["dev" in phase.config for phase in phases] == ["train" in phase.config for phase in phases]
    assert ["dev" in phase.config for phase in phases] == [True, False, False]


def test_chunking_of_the_data_of_a_phase_ends_with_the_phase(config):
    train = "{'train': {'class': 'HDFDataset', 'files': ['/data/c.hdf'], 'chunking': 20}}"
    phases = config(algo(train, "{}")).training().plan.phases
    assert [phase.config.get("chunking") for phase in phases] == [20, None]


def test_it_does_not_import_tensorflow(config):
    import subprocess

    code = (
        "import sys; from boulder.returnn import load_config; load_config(sys.argv[1]).training(); "
        "print('tensorflow' in sys.modules)"
    )
    file = config().file
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_defaults_are_returnns(config):
    text = CONFIG.replace("batch_size = 20\n", "").replace("learning_rate = 0.5\n", "")
    training = config("max_seqs = -1\n", text).training()
    assert training.config == DEFAULTS | {"optimizer": {"class": "sgd"}}
    assert (DEFAULTS["batch_size"], DEFAULTS["max_seqs"], DEFAULTS["learning_rate"]) == (1, None, 1.0)
    assert [notice.option for notice in training.notices] == ["batch_size", "learning_rate"]


def test_a_warm_up_that_returnn_does_not_read_has_no_effect(config):
    training = config("learning_rate_warmup_num_epochs = 2\n").training()
    assert "learning_rate_warmup_num_epochs" not in training.config
    assert [notice.option for notice in training.notices] == ["learning_rate_warmup_num_epochs"]


def test_options_of_rates_in_the_config_of_an_index_have_no_effect_if_returnn_reads_them_once(config):
    text = "learning_rate_control = 'constant'\nlearning_rates = [0.5]\nuse_learning_rate_control_always = True\n"
    overrides = '{"learning_rate_control": "newbob", "learning_rates": [0.25], "learning_rate": 0.0}'
    training = config(text + algo(overrides, "{}")).training()
    assert [phase.config for phase in training.plan.phases] == [{"learning_rate": 0.0}, {}]
    assert [notice.option for notice in training.notices] == ["learning_rate_control", "learning_rates"]
    assert "RETURNN reads it once" in training.notices[0].text


def test_all_problems_are_told_at_once(problems):
    found = problems(
        "inc_seq_length = 1e-9\nbatch_size = 'many'\nmax_seqs = 2.5\nlearning_rate_control = 'newbobb'\n"
        "train = {'class': 'SprintDatset'}\ndev = 3\ndef startup_callback(**_): pass\n"
        "network = {'output': {'class': 'softmaxx', 'loss': 'ce', 'from': 'data'}}\n"
    )
    expected = [
        "'inc_seq_length': found 1e-09; ",
        "'startup_callback': found <function ",
        "'train': neither Boulder nor RETURNN has a data set class 'SprintDatset'",
        "'dev': found 3, expected a dict",
        "config: 'batch_size' must be a positive int",
        "config: 'max_seqs' must be ",
        "unknown learning_rate_control 'newbobb'",
        "phase 0 (original network): layer 'output': ",
    ]
    assert len(found) == len(expected), found
    assert [text for text in expected if not any(text in line for line in found)] == []


def test_a_network_that_cannot_be_built_is_left_to_the_layout_unless_asked_for(config, problems):
    text = "network = {'output': {'class': 'softmaxx', 'loss': 'ce', 'from': 'data'}}\n"
    assert config(text).training().train_data["files"]
    assert "softmaxx" in problems(text)[0]


def test_each_refused_option_of_a_data_set_has_a_line(problems):
    assert problems("train = {'class': 'HDFDataset', 'files': ['a.hdf'], 'window': 3, 'fils': 1}\n") == [
        "'train': 'window' of HDFDataset: found 3; Boulder does not support it yet",
        "'train': HDFDataset has no option 'fils'; did you mean 'files'?",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("'seq_ordering': 'randm'", "'train': HDFDataset: seq_ordering: found 'randm'"),
        ("'order_by': 'words'", "'train': order_by: found no stream 'words' in extern_data, expected data, classes"),
        ("'partition_epoch': 0.5", "'train': HDFDataset: partition_epoch: found 0.5"),
        ("'seq_ordering': __import__('numpy').zeros(2)", "'train': HDFDataset: seq_ordering: found [0.0, 0.0]"),
    ],
)
def test_wrong_options_of_data_sets_are_found_without_opening_files(problems, options, message):
    (found,) = problems(f"train = {{'class': 'HDFDataset', 'files': ['a.hdf'], {options}}}\n")
    assert found.startswith(message)


def test_a_single_problem_is_one_line(config):
    with pytest.raises(ConfigError, match=r"^/.*/my\.config: 'window': found 5; Boulder does not support it yet$"):
        config("window = 5\n").training()


def test_several_problems_have_a_heading(config):
    with pytest.raises(ConfigError) as caught:
        config("inc_seq_length = 0.5\nwindow = 3\n").training()
    heading, *lines = str(caught.value).splitlines()
    assert heading.endswith("my.config: 2 problems:")
    assert lines == [f"  {problem}" for problem in caught.value.problems]


def test_what_phases_have_in_common_is_told_once_for_the_first(problems):
    text = algo("{'window': 5}", "{'window': 5}", "{}") + "window = 1\n"
    assert problems(text) == [
        "phase 0 (index 0): '#config': 'window': found 5; Boulder does not support it yet",
    ]


@pytest.mark.parametrize(
    ("overrides", "line", "message"),
    [
        ("{'window': 3}", "window = None", "'window': found 3; Boulder does not support it yet"),
        ("{'chunking': '50:a'}", "", "'chunking' must be chunk sizes such as 50"),
        (
            "{'target': 'other'}",
            "target = 'classes'",
            "'target': found 'other'; expected outside of '#config', for all",
        ),
        ("{'adam': True}", "adam = False", "'adam': found True; expected outside of '#config', for all phases"),
        ("{'search_train_network_layers': ['a']}", "search_train_network_layers = []", "found ['a']"),
        ("{'train': {'class': 'HDFDataset'}}", "", "train: HDFDataset needs the option 'files'"),
        ("{'train': {'class': 'X'}}", "", "'#config': 'train': neither Boulder nor RETURNN has a data set class 'X'"),
    ],
)
def test_an_option_of_returnn_in_a_phase_is_subject_to_the_table(problems, overrides, line, message):
    (found,) = problems(algo("{}", overrides) + line + "\n")
    assert found.startswith("phase 1 (index 1): ")
    assert message in found


def test_overrides_of_what_returnn_has_read_before_have_no_effect(config):
    late = {"num_epochs": 9, "min_seq_length": 3, "batching": "random", "newbob_multi_num_epochs": 4}
    training = config(algo(repr(late), "{}") + "batching = 'default'\n").training()
    assert [phase.config for phase in training.plan.phases] == [{}, {}]
    found = {notice.option for notice in training.notices if notice.text.startswith("in '#config', it has no effect")}
    assert found == {*late}


def test_best_epochs_need_data_that_is_scored(config, problems):
    best = "dev = None; cleanup_old_models = {'keep_best_n': 2}\n"
    (found,) = problems(best)
    assert found.startswith("config: 'cleanup_old_models' has 'keep_best_n', but no data is scored")
    assert config(best + "eval = train").training().dev_data is None


def test_a_phase_may_choose_its_devices_as_in_other_pipelines(config):
    plan = config(algo("{'gpus': 2}", "{'nodes': 2}")).training().plan
    assert [phase.config for phase in plan.phases] == [{"gpus": 2}, {"nodes": 2}, {}]


def test_the_order_of_the_data_changes_with_the_data(config):
    overrides = "{'batching': 'random', 'train': {'class': 'HDFDataset', 'files': ['a.hdf']}}"
    training = config(algo(overrides) + "batching = 'default'\n").training()
    assert training.plan.phases[0].config["train"]["seq_ordering"] == "random"
    assert training.notices == []


def test_options_that_only_boulder_has_are_told(config):
    (notice,) = config("use_normalized_loss = True\n").training().notices
    assert notice == ("use_normalized_loss", "RETURNN does not read it, Boulder does")


def test_own_variables_and_options_without_effect_may_change_from_phase_to_phase(config):
    text = algo("{'width': 5, 'log_verbosity': 3}") + "width = 1\nlog_verbosity = 5\n"
    training = config(text).training()
    assert {"width", "log_verbosity"} <= training.function_options
    assert [notice.option for notice in training.notices] == ["log_verbosity"]


def test_data_sets_in_a_phase_are_described_with_absolute_paths(config, tmp_path):
    training = config(algo("{'train': {'class': 'HDFDataset', 'files': ['a.hdf']}, 'dev': None}")).training()
    assert training.plan.phases[0].config == {
        "train": {"class": "HDFDataset", "files": [str(tmp_path / "a.hdf")], "seq_ordering": "default"}, "dev": None,
    }  # fmt: skip


def test_a_starting_point_is_given_without_looking_for_its_file(config, tmp_path):
    found = config("import_model_train_epoch1 = 'net.080'\n").training().start_from
    assert found == [{"checkpoint": str(tmp_path / "net.080"), "use_importers": True, "keep_step": True}]
    with pytest.raises(ConfigProblems, match="'load_epoch': found 3 without 'load'"):
        config("load_epoch = 3\n").training()


@pytest.mark.parametrize("value", ["0", "False", "None", "''", "{}"])
def test_refused_options_pass_with_values_that_have_no_effect(config, value):
    names = (
        ("preload_from_files", "load", "import_model_train_epoch1")
        if value in ("''", "{}")
        else ("inc_seq_length", "window")
    )
    config("".join(f"{name} = {value}\n" for name in names)).training()


def test_the_order_of_the_data_to_train_on_is_returnns(config, tmp_path):
    def train_data(line: str, options: str = "") -> dict:
        text = f"train = {{'class': 'HDFDataset', 'files': ['a.hdf'], {options}}}\n" + line
        found = config(text).training().train_data
        return {key: value for key, value in found.items() if key not in ("class", "files")}

    assert train_data("") == {"seq_ordering": "default"}
    assert train_data("batching = 'random'\n") == {"seq_ordering": "random"}
    assert train_data("batching = 'random'\n", "'seq_ordering': 'sorted'") == {"seq_ordering": "sorted"}
    assert train_data("dataset_random_seed_offset = 3\n") == {"seq_ordering": "default", "random_seed_offset": 3}
    options = "'partition_epoch': 4, 'seq_list_filter_file': 'tags', 'estimated_num_seqs': 100"
    assert train_data("", options) == {
        "seq_ordering": "default", "partition_epoch": 4, "seq_list_filter_file": str(tmp_path / "tags"),
    }  # fmt: skip


def test_the_phase_that_replaces_the_data_gets_its_batching_and_chunking(config):
    data = "'class': 'HDFDataset', 'files': ['b.hdf']"
    text = (
        algo(
            f"{{'train': {{{data}}}, 'batching': 'random'}}",
            "{'chunking': 30}",
            f"{{'train': {{{data}, 'chunking': 20}}}}",
        )
        + f"train = {{{data}, 'chunking': '50:25', 'seq_ordering': 'sorted'}}\nbatching = 'reverse'\nchunking = 10\n"
    )
    training = config(text).training()
    assert training.config["chunking"] == "50:25"
    assert training.train_data["seq_ordering"] == "sorted"
    found = [(p.config.get("train", {}).get("seq_ordering"), p.config.get("chunking")) for p in training.plan.phases]
    assert found[:3] == [("random", 10), (None, 30), ("reverse", 20)]


def test_phases_whose_batches_are_frames_in_returnn_are_told(config):
    line = "network = {'output': {'class': 'softmax', 'loss': 'ce', 'from': 'data'}}\n"
    (notice,) = config(line).training().notices
    assert notice.option == "batch_size"
    assert notice.text.startswith("phase 0 (original network): no layer depends on the order of frames, so RETURNN ")
    assert config().training().notices == []


def test_parts_of_joined_data_have_absolute_paths(config, tmp_path):
    part = "{'class': 'HDFDataset', 'files': ['a.hdf'], 'use_cache_manager': True}"
    line = (
        f"train = {{'class': 'MetaDataset', 'datasets': {{'a': {part}}}, 'data_map': {{'data': ('a', 'data')}}, "
        "'seq_list_file': {'a': 'tags'}}\n"
    )
    found = config(line).training().train_data
    assert found["datasets"] == {"a": {"class": "HDFDataset", "files": [str(tmp_path / "a.hdf")]}}
    assert found["seq_list_file"] == {"a": str(tmp_path / "tags")}


def test_what_a_part_of_joined_data_does_not_support_is_reported(problems):
    part = "{'class': 'NoDataset', 'corpus_file': 'a.txt'}"
    line = f"train = {{'class': 'MetaDataset', 'datasets': {{'a': {part}}}, 'data_map': {{'data': ('a', 'data')}}}}\n"
    (found,) = problems(line)
    assert found.startswith("'train': datasets['a']: neither Boulder nor RETURNN has a data set class 'NoDataset'")


def test_chunks_of_data_to_score_are_refused(problems):
    line = "dev = {'class': 'HDFDataset', 'files': ['a.hdf'], 'chunking': 20}\n"
    assert problems(line) == ["'dev': found chunking 20; data to score is not cut into chunks"]


def test_registered_rules_are_accepted(config, monkeypatch):
    monkeypatch.setitem(CONTROLS, "my_rule", Scheduled)
    for rule in ("constant", "my_rule"):
        assert config(f"learning_rate_control = {rule!r}\n").training().config["learning_rate_control"] == rule
    assert "learning_rate_control" not in config("learning_rate_control = None\n").training().config


def test_options_of_the_rule_of_a_config_file_reach_it(config):
    training = config(
        "learning_rate_control = 'newbob_multi_epoch'\n"
        "learning_rate_control_relative_error_relative_lr = 1\n"
        "learning_rate_control_min_num_epochs_per_new_lr = 2\n"
        "learning_rate_control_error_measure = 'dev_error'\n"
        "newbob_multi_num_epochs = 6\n"
        "newbob_learning_rate_decay = lambda rate: rate * 0.9\n"
        "newbob_error_threshold = 0.1  # of another rule: RETURNN ignores it\n"
    ).training()
    rule = learning_rate_control(training.config, training.plan)
    assert isinstance(rule, NewbobMultiEpoch)
    assert (rule.newbob_multi_num_epochs, rule.learning_rate_control_min_num_epochs_per_new_lr) == (6, 2)
    assert rule.learning_rate_control_relative_error_relative_lr is True
    assert rule.learning_rate_control_error_measure == "dev_error"
    assert rule.newbob_learning_rate_decay(1.0) == 0.9
    assert rule.initial_rate == 0.5


def test_num_epochs_of_0_trains_nothing_and_is_an_error(problems):
    assert problems("num_epochs = 0\n") == ["num_epochs: found 0, expected at least 1, or None"]


def test_an_error_of_several_problems_can_be_put_in_context_as_any_other():
    error = ConfigProblems.of("my.config", ["a", "b"])
    assert (str(error), error.problems) == ("my.config: 2 problems:\n  a\n  b", ("a", "b"))
    again = type(error)(f"pipeline: {error}")
    assert again.problems == (str(again),)
