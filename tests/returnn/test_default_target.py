"""`target` of a config gives a target to each loss that needs one and has none."""

import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.returnn.default_target import check_target, with_target

CE = {"class": "softmax", "loss": "ce"}
AS_IS = {"class": "copy", "loss": "as_is"}
OWN = {"class": "softmax", "loss": "ce", "target": "own"}
PLAIN = {"class": "linear", "loss_opts": {"loss": "ce"}}
NETWORK = {"ce": CE, "as_is": AS_IS, "own": OWN, "plain": PLAIN, "loop": {"class": "rec", "unit": {"output": CE}}}


def test_losses_without_a_target_get_it():
    found = with_target(NETWORK, "words")
    assert found == NETWORK | {
        "ce": CE | {"target": "words"},
        "loop": {"class": "rec", "unit": {"output": CE | {"target": "words"}}},
    }
    assert found["own"] is OWN


def test_the_default_leaves_the_net_dict_as_it_is():
    assert with_target(NETWORK, check_target(None)) is NETWORK
    assert with_target(NETWORK, "classes") is NETWORK


def test_a_target_that_is_no_name_is_an_error():
    with pytest.raises(ConfigError, match=r"'target': found \['a'\], expected the name of a data stream"):
        check_target(["a"])


def test_a_config_trains_with_it(tmp_path):
    (tmp_path / "my.config").write_text(
        "#!rnn.py\ntarget = 'words'\nbatch_size = 20\nlearning_rate = 1.\n"
        "train = {'class': 'HDFDataset', 'files': ['train.hdf']}\n"
        "extern_data = {'data': {'dim': 5}, 'words': {'dim': 2, 'sparse': True}}\n"
        "network = {'output': {'class': 'softmax', 'loss': 'ce', 'from': 'data'}}\n"
    )
    (phase,) = load_config(tmp_path / "my.config").training().plan.phases
    assert phase.network["output"]["target"] == "words"
