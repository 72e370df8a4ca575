"""`pretrain_options`: the pretraining options of a config.

The expected values come from `returnn.pretrain.pretrain_from_config` where RETURNN accepts the config.
"""

import pytest

from boulder.errors import ScheduleError
from boulder.schedule import plan, pretrain_learning_rate, pretrain_options

DEFAULT = {"construction_algo": "from_output"}


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({}, None),
        ({"pretrain": None}, None),
        ({"pretrain": False, "pretrain_repetitions": 3}, None),
        ({"pretrain": {}}, None),
        ({"pretrain": "0"}, None),
        ({"pretrain_repetitions": 3}, None),
        ({"pretrain": True}, DEFAULT),
        ({"pretrain": "default"}, DEFAULT),
        ({"pretrain": "true"}, DEFAULT),
        ({"pretrain": True, "pretrain_repetitions": 3}, {"repetitions": 3}),
        ({"pretrain": True, "pretrain_repetitions": {"default": 1, "final": 4}}, {"repetitions": {"default": 1, "final": 4}}),
        ({"pretrain": "default", "pretrain_repetitions": "2,1"}, {"repetitions": [2, 1]}),
        ({"pretrain": "default", "pretrain_repetitions": ["2", "1"]}, {"repetitions": [2, 1]}),
        ({"pretrain": {"repetitions": 5}, "pretrain_repetitions": 3}, {"repetitions": 5}),
        ({"pretrain": "default", "pretrain_construction_algo": "from_input"}, {"construction_algo": "from_input"}),
        ({"pretrain": "default", "pretrain_copy_output_layer": "false"}, {"copy_output_layer": False}),
        ({"pretrain": "default", "pretrain_copy_output_layer": "subset"}, {"copy_output_layer": "subset"}),
        ({"pretrain": {"repetitions": 2}, "pretrain_greedy": "1"}, {"repetitions": 2, "greedy": True}),
    ],
)  # fmt: skip
def test_config(config, options):
    assert pretrain_options(config) == options


def test_plan_accepts_the_result_and_the_config_is_unchanged():
    config = {"pretrain": {"construction_algo": "no_network_modifications"}, "pretrain_repetitions": 3}
    assert plan({"output": {"class": "softmax"}}, pretrain_options(config)).num_pretrain_epochs == 3
    assert "repetitions" not in config["pretrain"]


def test_learning_rate_of_pretraining():
    assert [pretrain_learning_rate(config) for config in ({}, {"pretrain_learning_rate": "1e-4"})] == [None, 1e-4]
    with pytest.raises(ScheduleError, match=r"pretrain_learning_rate: found 'fast' \(str\), expected a number"):
        pretrain_learning_rate({"pretrain_learning_rate": "fast"})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"pretrain": 1}, "pretrain: found 1 (int), expected a dict, True, 'default', None or False"),
        ({"pretrain": "defualt"}, "pretrain: found 'defualt' (str), expected a dict"),
        (
            {"pretrain": True, "pretrain_repetitions": "two"},
            "pretrain_repetitions: found 'two' (str), expected a whole",
        ),
    ],
)
def test_values_of_the_wrong_type(config, message):
    with pytest.raises(ScheduleError) as caught:
        pretrain_options(config)
    assert message in str(caught.value)
