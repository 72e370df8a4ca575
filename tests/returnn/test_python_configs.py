"""Typical Python configs: their imports, the networks that they build, and the resulting plans."""

import ast
import sys
import textwrap
import types

import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.returnn.stand_ins import is_stand_in
from boulder.schedule import changes


@pytest.fixture
def load(tmp_path):
    def load(text: str, overrides=(), name="returnn.config", **files: str):
        for file, content in files.items():
            (tmp_path / f"{file}.py").write_text(textwrap.dedent(content))
        path = tmp_path / name
        path.write_text("#!rnn.py\n" + textwrap.dedent(text))
        return load_config(path, dict(overrides))

    return load


BLSTM = """
    # kate: syntax python;
    from __future__ import print_function, division
    import os, sys
    import numpy
    from Pretrain import WrapEpochValue

    use_tensorflow = True
    task = config.value("task", "train")
    if config.has("beam_size"):
        beam_size = config.int("beam_size", 0)
    else:
        beam_size = 12
    num_inputs = 40
    num_outputs = {"classes": (1501, 1), "data": (num_inputs, 2)}
    num_epochs = 12
    batch_size = 5000
    learning_rate = 0.0005
    config.set("gradient_clip", 0)
    base_drop = 0.1
    layer_names = ["fwd_%i", "bwd_%i"]

    def blstm(net, idx, sources, n_out, drop):
        for name, direction in zip(layer_names, (1, -1)):
            net[name % idx] = {"class": "rec", "unit": "nativelstm2", "n_out": n_out, "direction": direction,
                               "from": sources, "dropout": drop}
        return [name % idx for name in layer_names]

    network = {}
    _last = ["data"]
    for _i in range(4):
        _last = blstm(network, _i, _last, 512, base_drop)
    network["output"] = {"class": "softmax", "loss": "ce", "from": _last}

    def custom_construction_algo(idx, net_dict):
        num_layers = idx + 2
        if num_layers > 4:
            return None
        net_dict["#config"] = {"batch_size": 10000 if idx == 0 else batch_size}
        for i in range(num_layers, 4):
            for name in layer_names:
                del net_dict[name % i]
        net_dict["output"]["from"] = [name % (num_layers - 1) for name in layer_names]
        for name in layer_names:
            net_dict[name % 0]["dropout"] = WrapEpochValue(lambda epoch: 0. if epoch <= 1 else base_drop)
        return net_dict

    pretrain = {"repetitions": {"default": 2, "final": 3}, "construction_algo": custom_construction_algo}
    print("beam size:", beam_size)
    locals().update(**config.typed_dict)
"""


def test_a_blstm_that_grows(load, capsys):
    config = load(BLSTM)
    assert capsys.readouterr().out == "beam size: 12\n"
    assert config.values["gradient_clip"] == 0
    assert config.values["learning_rate"] == 0.0005
    assert set(config.values) == {
        *("use_tensorflow", "task", "beam_size", "num_inputs", "num_outputs", "num_epochs", "batch_size"),
        *("learning_rate", "gradient_clip", "base_drop", "layer_names", "network", "pretrain"),
    }
    plan = config.plan()
    assert [(p.name, p.epochs) for p in plan.phases] == [
        *(("00", range(1, 2)), ("00.2", range(2, 3)), ("01", range(3, 5)), ("02", range(5, 7))),
        ("final", range(7, 13)),
    ]
    assert plan.phases[0].config == {"batch_size": 10000}
    assert [phase.network["fwd_0"]["dropout"] for phase in plan.phases] == [0.0, 0.1, 0.1, 0.1, 0.1]
    assert changes(plan.phases[2].network, plan.phases[3].network).added == ["fwd_3", "bwd_3"]


def test_overrides_take_precedence_and_are_visible_while_loading(load):
    config = load(BLSTM, {"beam_size": "24", "base_drop": "0.3", "task": "eval", "num_epochs": "8", "extra": "1,2"})
    assert config.values["beam_size"] == 24
    assert config.values["base_drop"] == 0.3
    assert config.values["task"] == "eval"
    assert config.values["extra"] == [1, 2]
    assert config.config.int_list("extra") == [1, 2]
    assert config.num_epochs == 8
    assert config.plan().phases[1].network["fwd_0"]["dropout"] == 0.3  # the lambda's global


def test_overrides_need_not_be_text(load):
    assert load("num_epochs = 3", {"num_epochs": 7, "x": [1]}).values == {"num_epochs": 7, "x": [1]}


@pytest.mark.parametrize(
    "program",
    [
        "import tensorflow as tf; assert tf.float32 == tf.float32 and tf.float32 != tf.int32; dtype = tf.float32",
        "import tensorflow.compat.v1 as tf\ndef f(x, dtype=tf.float32): pass",
        "import tensorflow as tf\nassert tf.__version__.split('.')[0] == '2'",
        "from tensorflow.python.ops import array_ops, math_ops\nfrom tensorflow.python.ops.nn import rnn_cell",
        "import tensorflow as tf\n@tf.function\ndef f(x): return x",
        "import tensorflow as tf\n@tf.custom_gradient\ndef f(x: tf.Tensor | None) -> tf.Tensor: return x",
        "import tensorflow as tf\nassert not isinstance(1, tf.Tensor) and isinstance(1, (int, tf.Tensor))",
        "import tensorflow as tf\nassert not issubclass(int, tf.Module)\nclass A(tf.keras.layers.Layer): pass",
        "import tensorflow as tf\ntable = tf.constant([1, 2])\nassert tf",
        "from typing import Optional\nimport tensorflow as tf\ndef f(x: Optional[tf.Tensor]) -> Optional[tf.Tensor]: pass",
        "import TFUtil\ndef f(x, shape=TFUtil.get_shape, y=TFUtil.whatever): pass",
        "from returnn.tf.util.basic import where_bc, get_shape, dropout, expand_dims_unbroadcast",
        "from TFNetworkLayer import SelectSearchSourcesLayer, LayerBase, _ConcatInputLayer\nclass A(_ConcatInputLayer):\n"
        "  layer_class = 'a'\n  def __init__(self, **kwargs): super(A, self).__init__(**kwargs)",
        "from returnn.tf.layers.basic import register_layer_class, LayerBase\n@register_layer_class\nclass A(LayerBase): pass",
        "from returnn.TFNetworkRecLayer import ChoiceLayer, RecLayer\nimport returnn.TFUtil as util",
        "from Util import cf, PY3, unicode, long, NotSpecified\nassert PY3 and cf('a') == 'a'",
        "from returnn.util.basic import get_login_username\nmodel = f'/tmp/{get_login_username()}/model'\n"
        "assert len(get_login_username()) > 0",
        "import rnn\nassert rnn.config is config\nfrom Log import log\nprint('x', file=log.v4)",
        "from .Util import cf\nfrom .LmDataset import Lm",
        "from returnn.config import get_global_config\nassert get_global_config() is config",
        "import Config\nassert isinstance(config, Config.Config) and Config.get_global_config().typed_dict is globals()",
        "from returnn.datasets.lm import Vocabulary\nvocab = Vocabulary",
        "from returnn.tf.util.data import Dim, Data, batch_dim, SpatialDim, FeatureDim\nt = SpatialDim('time')\n"
        "assert (FeatureDim('f', 3) * 2).dimension == 6 and (t + 1).dimension is None and 2 * FeatureDim('f', 3) != t",
        "from returnn.import_ import import_",
        "from returnn.tensor import Tensor, Dim, batch_dim\nfrom TFUtil import DimensionTag\n"
        "assert DimensionTag(kind=DimensionTag.Types.Spatial, description='t').dimension is None and batch_dim.is_batch_dim()",
        "import returnn.tf.compat as tf_compat\ntf = tf_compat.v1\ndef f(x, dtype=tf.float32): pass",
        "def out(sources, **kwargs): return sources[0].output.copy_template()\nnetwork = {'a': {'out_type': out}}",
        "import returnn\nfrom returnn import frontend as rf\nimport returnn.frontend",
        "assert __name__ == '__returnn_config__' and __file__.endswith('returnn.config')\nimport sys\n"
        "assert vars(sys.modules[__name__]) is globals()",
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n  x: 'int' = 1\na = A()",
    ],
)
def test_imports_of_configs_give_stand_ins_and_leave_no_modules_behind(load, program):
    before = {name: module for name, module in sys.modules.items() if is_stand_in(name)}
    namespace = load(program).config.typed_dict
    assert {name: module for name, module in sys.modules.items() if is_stand_in(name)} == before
    modules = {name: value for name, value in namespace.items() if isinstance(value, types.ModuleType)}
    real = {name for name, value in modules.items() if is_stand_in(value.__name__) and type(value) is types.ModuleType}
    assert real == set()
    if "import " in program:  # every name that the program imports is defined
        imported = [name for line in ast.walk(ast.parse(program)) for name in getattr(line, "names", ())]
        assert {(name.asname or name.name).partition(".")[0] for name in imported} <= namespace.keys()


def test_import_uses_an_existing_repository(load, tmp_path, monkeypatch):
    package = tmp_path / "pkg" / "github.com" / "me" / "mine@v20211231-0123abcd0123" / "models"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .widths import width")
    (package / "widths.py").write_text("width = 7")
    monkeypatch.setenv("RETURNN_PKG_PATH", str(tmp_path / "pkg"))
    text = """
        from returnn.import_ import import_
        models = import_("github.com/me/mine", "models", "20211231-0123abcd0123")
        n_out = models.width
        assert import_("github.com/me/mine", "models/widths.py", "20211231-0123abcd0123").width == 7
    """
    assert load(text).values == {"n_out": 7}
    assert not [name for name in sys.modules if name.startswith("returnn_import")]


def test_a_config_without_a_network_has_no_plan(load):
    with pytest.raises(ConfigError, match=r"returnn\.config: found neither 'network' nor 'get_network'"):
        load("num_epochs = 3").plan()


def test_a_file_name_ending_in_py_means_python(tmp_path):
    (tmp_path / "a.py").write_text("num_epochs = 3\n")
    assert load_config(tmp_path / "a.py").num_epochs == 3


def test_functions_see_overrides_as_globals(load):
    config = load("""
        num_epochs = 2
        scale = 1
        def get_scale():
            return scale, config.int("scale", 0), globals().get("other")
    """)
    get_scale = config.config.typed_dict["get_scale"]
    with config.with_overrides({"scale": 5, "other": 6}):
        assert get_scale() == (5, 5, 6)
    assert get_scale() == (1, 1, None)
    assert "other" not in config.values


def test_functions_can_be_called_without_a_plan(load):
    config = load("""
        num_epochs = 2
        network = {"output": {"class": "softmax", "loss": "ce", "n_out": 3}}
        def algo(idx, net_dict):
            from Pretrain import WrapEpochValue
            import tensorflow as tf
            net_dict["output"]["n_out"] = WrapEpochValue(lambda epoch: epoch)
            return net_dict if idx < 1 and not isinstance(idx, tf.Tensor) else None
        pretrain = {"construction_algo": algo}
    """)
    network = config.pretrain["construction_algo"](idx=0, net_dict={"output": {}})
    assert network["output"]["n_out"].get_value(epoch=3) == 3


def test_a_config_can_load_another_one_into_itself(load, tmp_path):
    (tmp_path / "base.config").write_text("#!rnn.py\nlr = 1\nbatch_size = 7\ndef f(): return lr, batch_size\n")
    config = load("""
        import os
        config.load_file(os.path.dirname(__file__) + "/base.config")
        lr = 2
        num_epochs = batch_size
    """)
    assert config.config.typed_dict["f"]() == (2, 7)
    assert config.values == {"lr": 2, "batch_size": 7, "num_epochs": 7}


def test_get_network(load):
    config = load("""
        num_epochs = 3
        lr = 0
        def get_network(epoch, **kwargs):
            return {"#config": {"lr": epoch}, "output": {"class": "softmax", "loss": "ce", "n_out": 2 + (epoch > 1)}}
    """)
    assert config.network is None
    assert [phase.network["output"]["n_out"] for phase in config.plan().phases] == [2, 3, 3]


def test_separate_pretrain_options(load):
    config = load("""
        pretrain = "default"
        pretrain_repetitions = 2
        network = {"a": {"class": "linear", "n_out": 2}, "output": {"class": "softmax", "loss": "ce", "from": "a"}}
    """)
    assert config.pretrain == {"repetitions": 2}
    assert config.num_epochs == 5
