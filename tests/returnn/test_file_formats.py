"""JSON and line-based configs, and messages for invalid files."""

import re

import pytest

from boulder.errors import ConfigError, ScheduleError
from boulder.returnn import load_config


def load(tmp_path, text: str, name="returnn.config", **overrides):
    (tmp_path / name).write_text(text)
    return load_config(tmp_path / name, overrides)


LINES = """
# an old one
task            train
learning_rate   0.01       # of the first epoch
num_inputs      50
num_outputs     4501
num_epochs      20
shuffle         true
train           a.hdf,b.hdf
pretrain        default
pretrain_repetitions 2,3
"""


def test_lines(tmp_path):
    config = load(tmp_path, LINES, num_epochs="7")
    assert config.values == {
        "task": "train",
        "learning_rate": 0.01,
        "num_inputs": 50,
        "num_outputs": 4501,
        "num_epochs": 7,
        "shuffle": True,
        "train": ["a.hdf", "b.hdf"],
        "pretrain": "default",
        "pretrain_repetitions": [2, 3],
    }
    assert config.pretrain == {"repetitions": [2, 3]}
    assert config.num_epochs == 7
    assert config.extern_data["classes"]["sparse"]
    assert config.config.bool("shuffle", False) is True
    assert config.config.float("learning_rate", 0) == 0.01
    assert config.config.list("train") == ["a.hdf", "b.hdf"]


def test_lines_include_other_files(tmp_path):
    (tmp_path / "base.config").write_text("a 1\nb 2\n")
    assert load(tmp_path, "include base.config\nb 3\n").values == {"a": 1, "b": 3}


def test_json_with_comments(tmp_path):
    text = '{ // first\n"num_epochs": 3, /* more\n */ "url": "http://x/*y*/",\n"network": {"output": {"class": "softmax"}}}'
    config = load(tmp_path, text)
    assert config.values["url"] == "http://x/*y*/"
    assert config.num_epochs == 3
    assert config.network == {"output": {"class": "softmax"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#!rnn.py\nx = 1\ny = z\n", "FILE, line 3: NameError: name 'z' is not defined"),
        ("#!rnn.py\n\ndef f(:\n", "FILE, line 3: SyntaxError: "),
        ("\n\n#!rnn.py\nprint 'python 2'\n", "FILE, line 4: SyntaxError: Missing parentheses"),
        ("#!rnn.py\ndef f():\n  raise ValueError('two\\nlines')\n\nf()\n", "FILE, line 3: ValueError: two lines"),
        ("#!rnn.py\nimport theano\n", "FILE, line 2: ModuleNotFoundError: No module named 'theano'"),
        ("#!rnn.py\nimport helper_of_this_test\n", "FOLDER/helper_of_this_test.py, line 2: ZeroDivisionError: "),
        ("#!rnn.py\nimport sys\nsys.exit(3)\n", "FILE, line 3: SystemExit: 3"),
        ("#!rnn.py\nx = 'a'\nconfig.int('x', 0)\n", "FILE, line 3: config option 'x': found 'a', expected an int"),
        (
            "#!rnn.py\nfrom TFUtil import find_unsupported_devices_in_graph as e\nx = e(1)\n",
            "FILE, line 3: TFUtil.find_unsupported_devices_in_graph was called, but Boulder has only a placeholder",
        ),
        (
            "#!rnn.py\nfrom TFNetworkLayer import LayerBase\nclass A(LayerBase): pass\nA()\n",
            "FILE, line 4: A cannot be instantiated: Boulder has only a placeholder for its base TFNetworkLayer.LayerBase",
        ),
        (
            "#!rnn.py\nimport tensorflow as tf\nif tf.test.is_gpu_available():\n  pass\n",
            "FILE, line 3: whether tensorflow.test.is_gpu_available(…) is true is unknown while planning",
        ),
        (
            "#!rnn.py\nfrom returnn.import_ import import_\nm = import_('github.com/a/b', 'c/d', '20211231-0123abcd0123')\n",
            r"FILE, line 3: import_: Boulder fetches nothing: git clone https://github.com/a/b .*/github.com/a/b && git -C "
            r".*/a/b worktree add .*/github.com/a/b@v20211231-0123abcd0123 0123abcd0123, or set RETURNN_PKG_PATH",
        ),
        ('{"a": 1,\n /* x\n */ "b" 2}', "FILE, line 3: JSONDecodeError: Expecting ':' delimiter"),
        ("a 1\n# b\nlonely\n", "FILE, line 3: found 'lonely', expected 'key value'"),
        ("a 1\ninclude nowhere.config\n", "FILE, line 2: include: found no file 'nowhere.config'"),
        ("include returnn.config\n", "FILE: found more than 100 files that include each other"),
        ("num_epochs many\n", "FILE: config option 'num_epochs': found 'many', expected an int"),
        ("#!rnn.py\nnetwork = [1]\n", r"FILE: network: found \[1\], expected a net dict"),
        ("#!rnn.py\nextern_data = {'data': 'x'}\n", r"FILE: extern_data\['data'\]: found 'x', expected a dict, or"),
    ],
)
def test_errors_of_a_file_name_the_line(tmp_path, text, message):
    (tmp_path / "helper_of_this_test.py").write_text("\n1 / 0\n")
    file = str(tmp_path / "returnn.config")
    pattern = message.replace("FILE", re.escape(file)).replace("FOLDER", re.escape(str(tmp_path)))
    if "(…)" in pattern:
        pattern = pattern.replace("(…)", r"\(…\)")
    with pytest.raises(ConfigError, match=f"^{pattern}"):
        load(tmp_path, text)


def test_invalid_pretrain_option(tmp_path):
    with pytest.raises(ScheduleError, match=r"returnn\.config: pretrain: found 'what'"):
        load(tmp_path, "#!rnn.py\npretrain = 'what'\n")


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="found no such file, expected a RETURNN config"):
        load_config(tmp_path / "absent.config")


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "a.config").write_bytes(b"#!\xff\n")
    with pytest.raises(ConfigError, match="expected a text in UTF-8"):
        load_config(tmp_path / "a.config")


def test_an_override_that_is_not_python(tmp_path):
    with pytest.raises(ConfigError, match="override of config option 'a': 'b': NameError"):
        load(tmp_path, "#!\na = 1\n", a="b")
