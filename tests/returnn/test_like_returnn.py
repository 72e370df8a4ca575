"""A config in the style of published ones gives the same networks as in RETURNN.

The numbers were obtained from RETURNN 1.20261022.211313, for this file: `init_config`, `pretrain_from_config`, and
`get_network_json_for_epoch` for each epoch.
"""

import pytest

from boulder.returnn import load_config

CONFIG = r"""#!crnn/rnn.py
# kate: syntax python;
import os
from subprocess import check_output, CalledProcessError
from Pretrain import WrapEpochValue
import numpy
from Util import cf, NotSpecified

my_dir = os.path.dirname(os.path.abspath(__file__))
debug_mode = False
if int(os.environ.get("DEBUG", "0")):
    debug_mode = True
if config.has("beam_size"):
    beam_size = config.int("beam_size", 0)
    print("** beam_size %i" % beam_size)
else:
    if task == "train" if "task" in globals() else True:
        beam_size = 4
    else:
        beam_size = 12
use_tensorflow = True
_cf_cache = {}
target = "classes"
extern_data = {"data": {"dim": 40}, "classes": {"dim": 1000, "sparse": True, "available_for_inference": False}}
EncKeyTotalDim = 1024
AttNumHeads = 1
LstmDim = EncKeyTotalDim // 2
l2 = 0.0001
num_epochs = 30

def summary(name, x):
    import tensorflow as tf
    dims = x.get_shape().ndims
    if dims == 4: tf.summary.image("%s_image" % name, x, max_outputs=10)

def _mask(x, batch_axis, axis, pos, max_amount):
    import tensorflow as tf
    ndim = x.get_shape().ndims
    n_batch = tf.shape(x)[batch_axis]
    dim = tf.shape(x)[axis]
    amount = tf.random_uniform(shape=(n_batch,), minval=1, maxval=max_amount + 1, dtype=tf.int32)
    pos2 = tf.minimum(pos + amount, dim)
    idxs = tf.expand_dims(tf.range(0, dim), 0)
    pos_bc = tf.expand_dims(pos, 1)
    cond = tf.logical_and(tf.greater_equal(idxs, pos_bc), tf.less(idxs, tf.expand_dims(pos2, 1)))
    cond = tf.reshape(cond, [tf.shape(x)[i] if i in (batch_axis, axis) else 1 for i in range(ndim)])
    from TFUtil import where_bc
    return where_bc(cond, 0.0, x)

def transform(data, network, time_factor=1):
    x = data.placeholder
    from TFUtil import dimshuffle
    step = network.global_train_step
    step1 = tf.where(tf.greater_equal(step, 1000), 1, 0)
    return network.cond_on_train(lambda: x, lambda: x)

network = {
"source": {"class": "eval", "eval": "self.network.get_config().typed_value('transform')(source(0, as_data=True), network=self.network)"},
"lstm0_fw": {"class": "rec", "unit": "nativelstm2", "n_out": LstmDim, "direction": 1, "from": ["source"], "L2": l2},
"lstm0_bw": {"class": "rec", "unit": "nativelstm2", "n_out": LstmDim, "direction": -1, "from": ["source"], "L2": l2},
"lstm0_pool": {"class": "pool", "mode": "max", "padding": "same", "pool_size": (3,), "from": ["lstm0_fw", "lstm0_bw"], "trainable": False},
"lstm1_fw": {"class": "rec", "unit": "nativelstm2", "n_out": LstmDim, "direction": 1, "from": ["lstm0_pool"], "L2": l2, "dropout": 0.3},
"lstm1_bw": {"class": "rec", "unit": "nativelstm2", "n_out": LstmDim, "direction": -1, "from": ["lstm0_pool"], "L2": l2, "dropout": 0.3},
"encoder": {"class": "copy", "from": ["lstm1_fw", "lstm1_bw"]},
"output": {"class": "rec", "from": [], "target": target, "unit": {
    'output': {'class': 'choice', 'target': target, 'beam_size': beam_size, 'from': ["output_prob"], "initial_output": 0},
    "s": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["prev:output", "prev:att"], "n_out": 1000},
    "att": {"class": "generic_attention", "weights": "aw", "base": "base:encoder"},
    "output_prob": {"class": "softmax", "from": ["s"], "dropout": 0.3, "target": target, "loss": "ce", "loss_opts": {"label_smoothing": 0}},
}, "max_seq_len": "max_len_from('base:encoder')"},
}

def custom_construction_algo(idx, net_dict):
    StartNumLayers = 1
    InitialDimFactor = 0.5
    orig_num_lstm_layers = 0
    while "lstm%i_fw" % orig_num_lstm_layers in net_dict:
        orig_num_lstm_layers += 1
    assert orig_num_lstm_layers >= 1
    orig_red_factor = 3
    num_lstm_layers = idx + StartNumLayers
    net_dict["#config"] = {}
    if idx < 2:
        net_dict["#config"]["batch_size"] = 15000
    if num_lstm_layers > orig_num_lstm_layers:
        return None
    net_dict["#copy_param_mode"] = "subset"
    dim_frac = 1.0 - (1.0 - InitialDimFactor) * (1.0 - float(idx) / max(orig_num_lstm_layers - 1, 1))
    for i in range(num_lstm_layers):
        for d in ["fw", "bw"]:
            net_dict["lstm%i_%s" % (i, d)]["n_out"] = int(EncKeyTotalDim / 2 * dim_frac)
    net_dict["encoder"]["from"] = ["lstm%i_fw" % (num_lstm_layers - 1), "lstm%i_bw" % (num_lstm_layers - 1)]
    for i in range(num_lstm_layers, orig_num_lstm_layers):
        for name in ["fw", "bw"]:
            del net_dict["lstm%i_%s" % (i, name)]
    net_dict["output"]["unit"]["output_prob"]["loss_opts"]["label_smoothing"] = WrapEpochValue(lambda epoch: 0 if epoch < 3 else 0.1)
    return net_dict

pretrain = {"repetitions": {"default": 4, "final": 2}, "copy_param_mode": "subset", "construction_algo": custom_construction_algo}
learning_rates = list(numpy.linspace(0.0003, 0.0008, num=10))
batching = "random"
log = ["| /u/x/log.%s" % config.value("task", "train")]
model = "net-model/network"
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "returnn.config").write_text(CONFIG)
    return tmp_path / "returnn.config"


def test_networks_epoch_by_epoch(path):
    config = load_config(path)
    networks = [phase.network for phase in config.plan().phases for _ in phase.epochs]
    smoothing = [net["output"]["unit"]["output_prob"]["loss_opts"]["label_smoothing"] for net in networks]
    assert [net["lstm0_fw"]["n_out"] for net in networks] == [256] * 4 + [512] * 26
    assert smoothing == [0] * 2 + [0.1] * 6 + [0] * 22
    assert [net["encoder"]["from"][0] for net in networks] == ["lstm0_fw"] * 4 + ["lstm1_fw"] * 26
    assert ["lstm1_bw" in net for net in networks] == [False] * 4 + [True] * 26


def test_options(path):
    config = load_config(path, {"beam_size": "7", "task": "search"})
    assert config.network["output"]["unit"]["output"]["beam_size"] == 7
    assert config.values["log"] == ["| /u/x/log.search"]
    assert config.values["learning_rates"][-1] == 0.0008
    assert config.extern_data["classes"] == {"dim": 1000, "sparse": True, "available_for_inference": False}
    assert config.num_epochs == 30
    assert not {"numpy", "cf", "summary", "debug", "_cf_cache", "config"} & set(config.values)
