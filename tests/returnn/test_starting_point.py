"""The options of a RETURNN config that name checkpoints."""

import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.returnn.checkpoint import checkpoint_name, epoch_of, main_file
from boulder.returnn.starting_point import preloads, start_from


@pytest.fixture
def config(tmp_path):
    def write(text: str):
        file = tmp_path / "my.config"
        file.write_text(f"#!rnn.py\n{text}\n")
        return load_config(file)

    return write


WHOLE = {"use_importers": True, "keep_step": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("import_model_train_epoch1 = ''; preload_from_files = {}; load = None; load_epoch = 0", None),
        ("import_model_train_epoch1 = 'old/net.080'", [{"checkpoint": "@/old/net.080", **WHOLE}]),
        (
            "import_model_train_epoch1 = '/a/net.pretrain.080.meta'; load_ignore_missing_vars = True",
            [{"checkpoint": "/a/net.pretrain.080.meta", **WHOLE, "ignore_missing": True}],
        ),
        ("load = 'net.pretrain.012'", [{"checkpoint": "@/net.pretrain.012", **WHOLE, "epoch": 12}]),
        ("load = 'net.012.index'; load_epoch = 5", [{"checkpoint": "@/net.012.index", **WHOLE, "epoch": 5}]),
        ("load = 'net.012'; start_epoch = 1", [{"checkpoint": "@/net.012", **WHOLE}]),
        ("load = 'net.best'", [{"checkpoint": "@/net.best", **WHOLE}]),
        ("load = 'net.012'; import_model_train_epoch1 = 'a.001'", [{"checkpoint": "@/a.001", **WHOLE}]),
        ("load = 'b'; start_epoch = 1; import_model_train_epoch1 = 'a.001'", [{"checkpoint": "@/b", **WHOLE}]),
    ],
)
def test_whole_checkpoints(config, tmp_path, text, expected):
    for source in expected or ():
        source["checkpoint"] = source["checkpoint"].replace("@", str(tmp_path))
    assert start_from(config(text)) == expected


PRELOADS = """
preload_from_files = {
    "b": {"filename": "b.080", "prefix": "lm_", "init_for_train": True, "ignore_missing": True},
    "a": {"filename": "/x/a.080", "init_for_train": True, "ignore_params_prefixes": ["out"], "var_name_mapping": {"a": "b"}},
    "c": {"filename": "lm.012", "prefix": "lm_", "checkpoint_key": "model"},
}
"""


def test_preloads_of_a_training_come_in_the_order_of_their_names_and_before_an_import(config, tmp_path):
    a = {"checkpoint": "/x/a.080", "ignore_params_prefixes": ["out"], "var_name_mapping": {"a": "b"}}
    b = {"checkpoint": f"{tmp_path}/b.080", "prefix": "lm_", "ignore_missing": True}
    assert start_from(config(PRELOADS)) == [a, b]
    imported = {"checkpoint": f"{tmp_path}/i.001", **WHOLE}
    assert start_from(config(f"{PRELOADS}\nimport_model_train_epoch1 = 'i.001'")) == [a, b, imported]
    assert start_from(config(f"{PRELOADS}\nload = 'i.001'; start_epoch = 1")) == [a, b, imported]


def test_preloads_have_no_effect_on_a_training_that_continues(config, tmp_path):
    assert start_from(config(f"{PRELOADS}\nload = 'i.001'")) == [
        {"checkpoint": f"{tmp_path}/i.001", **WHOLE, "epoch": 1}
    ]


def test_other_tasks_use_the_preloads_that_are_not_for_training(config, tmp_path):
    expected = [{"checkpoint": f"{tmp_path}/lm.012", "prefix": "lm_"}]
    assert preloads(config(PRELOADS), for_training=False) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("load_epoch = 3", "'load_epoch': found 3 without 'load', .* expected 'load', the path of the checkpoint of epoch 3"),
        ("start_epoch = 3", "'start_epoch': found '3', expected 'auto' or 1; .* give its checkpoint as 'load' and N as"),
        ("load = 'old/checkpoint.h5'", "'load': found '.*old/checkpoint.h5', which does not exist yet and whose name has no epoch, expected 'load_epoch'"),
        ("load = 3", "'load': found 3, expected the path of a checkpoint"),
        ("load = 'a.001'; load_epoch = 'x'", "'load_epoch': found 'x', expected an int"),
        ("preload_from_files = ['a']", r"'preload_from_files': found \['a'\], expected a dict of name"),
        ("preload_from_files = {'a': 'b'}", r"preload_from_files\['a'\]: found 'b', expected a dict such as"),
        ("preload_from_files = {'a': {'prefix': 'b'}}", r"\['a'\]: needs the option 'filename'"),
        ("preload_from_files = {'a': {'filename': 'b', 'ignore_mising': 1}}", "no option 'ignore_mising', .* mean 'ignore_missing'"),
        ("preload_from_files = {'a': {'filename': 3}}", r"\['a'\]: 'filename': found 3, expected the path of a checkpoint"),
        (
            "preload_from_files = {'a': {'filename': 'b', 'init_for_train': True, 'var_name_mapping': ['c']}}",
            r"\['a'\]: 'var_name_mapping': found \['c'\], expected a dict of name",
        ),
        (
            "preload_from_files = {'a': {'filename': 'b', 'custom_missing_load_func': print}}",
            "does not support 'custom_missing_load_func', expected 'var_name_mapping'",
        ),
    ],
)  # fmt: skip
def test_wrong_options_are_one_line(config, text, message):
    with pytest.raises(ConfigError, match=message):
        start_from(config(text))


def test_names_of_checkpoints(tmp_path):
    assert [checkpoint_name("m/net", 3), checkpoint_name("m/net", 1012)] == ["m/net.003", "m/net.1012"]
    names = ["net.pretrain.012", "net.012.meta", "net.v2.012.index", "net.012.data-00000-of-00001", "a/epoch.000012.h5"]
    assert {epoch_of(name) for name in names} == {12}
    assert epoch_of("net.012/best") is None
    (tmp_path / "net.best.meta").symlink_to("net.017.meta")
    assert epoch_of(str(tmp_path / "net.best.index")) == 17
    assert [main_file(name) for name in ("a.h5", "net.012", "net.012.meta")] == [
        "a.h5",
        "net.012.index",
        "net.012.index",
    ]
