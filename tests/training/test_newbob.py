"""newbob and its variants. tests/parity/test_learning_rate_like_returnn.py compares their rates with RETURNN's."""

import math

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.schedule import plan
from boulder.training.learning_rate import CONTROLS, NewbobRelative, control_from_json, learning_rate_control
from boulder.training.learning_rate.measure import measured, named_scores, score_names, with_exp

NETWORK = {"output": {"class": "softmax", "loss": "ce", "from": "data"}}


def rule(name="newbob", num_epochs=10, **config):
    return learning_rate_control(
        {"learning_rate": 1.0, "learning_rate_control": name} | config, plan(NETWORK, None, num_epochs)
    )


def rates(control, *dev, train=None):
    """:return: the rates of all epochs of the control, given the dev costs"""
    history = []
    for epoch, cost in enumerate(dev, 1):
        rate = control.rate(epoch, history)
        scores = {"train": {"cost:output": train or 1.0}, "dev": {"cost:output": cost}}
        history.append({"epoch": epoch, "index": 0, "learning_rate": rate} | scores)
    return [*(record["learning_rate"] for record in history), control.rate(len(dev) + 1, history)]


def test_the_log_says_where_the_score_changes_its_name():
    one, two = ["output"], ["output", "ctc"]
    history = [
        {"epoch": epoch, "index": 0, "learning_rate": 1.0, "train": {f"cost:{layer}": 1.0 for layer in layers}}
        for epoch, layers in enumerate((one, one, two, two), 1)
    ]
    told = [rule().notice(epoch, history[: epoch - 1]) for epoch in range(1, 6)]
    assert [notice is not None for notice in told] == [False, False, False, True, False]
    assert "follows 'train_score_output' instead of 'train_score'" in told[3]


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
@pytest.mark.parametrize("name", ["newbob", "newbob_abs", "newbob_multi_epoch"])
def test_a_score_that_is_no_number_leaves_the_rate_and_the_log_says_so(name, nothing):
    options = {"newbob_multi_num_epochs": 1} if name == "newbob_multi_epoch" else {}
    control, costs = rule(name, **options), [2.0, nothing, 2.0, 2.0]
    assert rates(control, *costs) == [1, 1, 1, 1, 0.5]
    history = [
        {"epoch": epoch, "index": 0, "learning_rate": 1.0, "train": {"cost:output": 1.0}, "dev": {"cost:output": cost}}
        for epoch, cost in enumerate(costs, 1)
    ]
    told = [control.notice(epoch, history[: epoch - 1]) for epoch in range(1, 6)]
    line = "the rule of the learning rate finds no number for 'dev_score' in epoch 2; the rate stays as it is"
    assert told == [None, None, line, line, None]


def test_the_rate_is_lowered_when_dev_improves_by_too_little():
    assert rates(rule(), 4.0, 2.0, 1.99, 1.0) == [1, 1, 1, 0.5, 0.5]
    assert rates(rule(newbob_relative_error_threshold=-0.001), 4.0, 2.0, 1.99, 1.0) == [1] * 5
    assert rates(rule("newbob_abs", newbob_error_threshold=-1.5), 4.0, 2.0, 1.0) == [1, 1, 1, 0.5]


def test_a_rate_is_lowered_no_further_than_to_the_minimum_and_may_grow():
    assert rates(rule(min_learning_rate=0.4), 1.0, 1.0, 1.0, 1.0) == [1, 1, 0.5, 0.4, 0.4]
    options = {
        "newbob_learning_rate_decay": 0.25,
        "learning_rate_decay": 0.5,
        "learning_rate_growth": lambda rate: rate + 1,
    }
    assert rates(rule(**options), 2.0, 2.0, 1.0) == [1, 1, 0.5, 1.5]


def test_the_mean_over_several_epochs_decides_each_few_epochs():
    options = {"newbob_multi_num_epochs": 2, "newbob_relative_error_threshold": 0.0}
    assert rates(rule("newbob_multi_epoch", **options), 1.0, 2.0, 4.0, 4.0, 4.0, 4.0) == [
        1,
        1,
        0.5,
        0.5,
        0.25,
        0.25,
        0.25,
    ]
    every = options | {"newbob_multi_update_interval": 1}
    assert rates(rule("newbob_multi_epoch", **every), 1.0, 2.0, 4.0, 2.0) == [1, 1, 0.5, 0.25, 0.25]


def test_a_rate_of_the_config_counts_and_later_epochs_continue_from_it():
    assert rates(rule(learning_rates={1: 3, 4: 8}), 1.0, 1.0, 1.0, 1.0, 1.0) == [3, 3, 1.5, 8, 4, 2]


def test_pretraining_has_the_rates_of_the_schedule_and_its_scores_count():
    def algo(idx, net_dict):
        return None if idx == 2 else {**net_dict, "hidden": {"class": "linear", "n_out": idx + 1}}

    schedule = plan(NETWORK, {"construction_algo": algo}, 6)  # pretraining has 3 epochs
    config = {"learning_rate": 1.0, "learning_rate_control": "newbob", "pretrain_learning_rate": 0.1}
    assert rates(learning_rate_control(config, schedule), 1.0, 1.0, 1.0, 1.0, 1.0) == [0.1, 0.1, 0.1, 1, 0.5, 0.25]
    always = config | {"use_learning_rate_control_always": True}
    assert rates(learning_rate_control(always, schedule), 1.0, 1.0, 1.0, 1.0, 1.0) == [1, 1, 0.5, 0.25, 0.125, 0.0625]
    shadowed = learning_rate_control(config | {"learning_rates": [8, 8, 8, 8]}, schedule)
    assert rates(shadowed, 1.0, 1.0, 1.0, 1.0, 1.0) == [0.1, 0.1, 0.1, 1, 4, 2]


@pytest.mark.parametrize("name", ["newbob", "newbob_abs", "newbob_multi_epoch"])
@pytest.mark.parametrize("score", [None, math.nan, math.inf])
def test_a_missing_score_changes_no_rate(name, score):
    control = rule(name, **({"newbob_multi_update_interval": 1} if name == "newbob_multi_epoch" else {}))
    assert rates(control, 1.0, score, 1.0) == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["newbob", "newbob_multi_epoch"])
def test_a_score_of_zero_is_no_error(name):
    control = rule(name, **({"newbob_multi_num_epochs": 1} if name == "newbob_multi_epoch" else {}))
    assert rates(control, 1.0, 0.0, 0.0) == [1, 1, 1, 0.5]


def test_a_rule_of_a_phase_holds_no_rates_of_later_epochs_and_survives_json():
    short = rule("newbob_multi_epoch", 3, learning_rates={2: 3}, newbob_multi_num_epochs=2)
    longer = rule("newbob_multi_epoch", 9, learning_rates={2: 3, 4: 5}, newbob_multi_num_epochs=2)
    part = longer.restricted_to(range(1, 4))
    assert part.to_json() == {
        "class": "newbob_multi_epoch", "first_epoch": 1, "rates": [1.0, 3.0, 3.0], "initial_rate": 1.0, "fixed": [2],
        "newbob_multi_num_epochs": 2,
    }  # fmt: skip
    assert part == short == control_from_json(part.to_json())
    assert longer.restricted_to(range(4, 6)).to_json()["fixed"] == [4]


def test_the_older_names_are_one_rule_with_one_hash():
    assert CONTROLS["newbob"] is CONTROLS["newbob_rel"] is CONTROLS["newbob_relative"] is NewbobRelative
    assert rule("newbob_rel").to_json() == rule("newbob").to_json()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"newbob_learning_rate_decay": 0},
            "'newbob_learning_rate_decay' must be a positive number, or a function of the rate, found 0",
        ),
        (
            {"learning_rate_growth": "x"},
            "'learning_rate_growth' must be a positive number, or a function of the rate, found 'x'",
        ),
        ({"min_learning_rate": -1}, "'min_learning_rate' must be a number, 0 or more, found -1"),
        (
            {"learning_rate_control_error_measure": 3},
            "'learning_rate_control_error_measure' must be a name such as 'dev_error'",
        ),
        (
            {"learning_rate_control_min_num_epochs_per_new_lr": 1.5},
            "'learning_rate_control_min_num_epochs_per_new_lr' must be an int",
        ),
        (
            {"newbob_error_threshold": 0.1},
            "'newbob_error_threshold' is an option of learning_rate_control 'newbob_abs'",
        ),
        (
            {"learning_rate_control": "newbob_multi_epoch", "newbob_multi_num_epochs": 0},
            "'newbob_multi_num_epochs' must be a positive int, found 0",
        ),
        (
            {"learning_rate_control": "newbob_multi_epoch", "newbob_relative_error_grow_threshold": 0.1},
            "'newbob_relative_error_grow_threshold' must be at most newbob_relative_error_threshold, -0.01, found 0.1",
        ),
    ],
)
def test_a_wrong_option_is_an_error(config, message):
    with pytest.raises(ConfigError) as error:
        rule(**{"name": config.pop("learning_rate_control", "newbob")} | config)
    assert str(error.value).startswith(f"config: {message}")


def test_numpy_values_are_options():
    assert rates(rule(newbob_learning_rate_decay=np.float32(0.25)), 1.0, 1.0) == [1, 1, 0.25]


ONE = {"epoch": 1, "index": 0, "learning_rate": 1.0, "train": {"cost:output": 1.0, "error:output": 2.0}}
TWO = ONE | {"dev": {"cost:a": 3.0, "error:a": 4.0, "cost:output/prob": 5.0, "error:output/prob": 6.0}}


BOTH = ("cost", "error")


def test_scores_have_returnns_names():
    assert named_scores(ONE) == {"train_score": 1.0, "train_error": 2.0}
    assert list(named_scores(TWO))[2:] == [
        "dev_score_a",
        "dev_score_output/prob",
        "dev_error_a",
        "dev_error_output/prob",
    ]
    assert score_names({"output": BOTH}, ["dev"]) == ["dev_score", "dev_error", "train_score", "train_error"]
    assert score_names({"a": BOTH, "b": BOTH}, []) == [
        "train_score_a",
        "train_score_b",
        "train_error_a",
        "train_error_b",
    ]


def test_scores_of_further_data_sets_have_their_names():
    record = ONE | {"eval": {"devtrain": {"cost:output": 7.0, "error:output": 8.0}}}
    assert list(named_scores(record)) == ["train_score", "train_error", "devtrain_score", "devtrain_error"]
    assert score_names({"output": BOTH}, ["dev", "devtrain"])[-2:] == ["devtrain_score", "devtrain_error"]
    assert measured(record, "devtrain_error_output") == ("train_score", 1.0)
    assert measured(record, "devtrain_error") == ("devtrain_error", 8.0)
    assert measured(record, None) == ("train_score", 1.0)


def test_a_loss_without_a_cost_has_only_the_name_of_its_error():
    names = score_names({"output": BOTH, "wer": ("error",)}, ["dev"])
    assert names[:3] == ["dev_score", "dev_error_output", "dev_error_wer"]
    with pytest.raises(ConfigError, match="'dev_score_wer', which no phase computes"):
        rule(learning_rate_control_error_measure="dev_score_wer").check_scores(
            [({"a": BOTH, "wer": ("error",)}, ["dev"])]
        )


def test_e_to_the_power_of_the_cost_is_a_score_of_its_own():
    record = ONE | {"dev": {"cost:output": 3.0, "cost:output:exp": 20.1, "error:output": 4.0}}
    losses = with_exp({"output": BOTH, "wer": ("error",)})
    assert score_names(losses, [])[:2] == ["train_score_output", "train_score_output:exp"]
    assert list(named_scores(record))[2:] == ["dev_score_output", "dev_score_output:exp", "dev_error"]
    for measure in ("dev_score_output:exp", "dev_score_output", "dev_score", "dev_error"):
        rule(learning_rate_control_error_measure=measure).check_scores([(with_exp({"output": BOTH}), ["dev"])])
    with pytest.raises(ConfigError, match="which no phase computes"):
        rule(learning_rate_control_error_measure="dev_score_output:exp").check_scores([({"output": BOTH}, ["dev"])])
    assert measured(record, "dev_score_output:exp") == ("dev_score_output:exp", 20.1)


def test_the_score_to_follow_is_chosen_as_in_returnn():
    assert measured(TWO, "dev_error_a") == ("dev_error_a", 4.0)
    assert measured(TWO, ["dev_error", "train_error"]) == ("train_error", 2.0)
    assert measured(TWO, None) == ("dev_score_output/prob", 5.0)
    assert measured(ONE, "dev_error") == ("train_score", 1.0)
    assert measured(ONE | {"train": {}}, None) is None


def test_a_score_that_no_phase_computes_is_an_error_that_lists_the_known_ones():
    with pytest.raises(
        ConfigError,
        match=r"'dev_eror', which no phase computes, expected one of dev_score, dev_error, train_score, train_error; did you mean 'dev_error'",
    ):
        rule(learning_rate_control_error_measure="dev_eror").check_scores([({"output": BOTH}, ["dev"])])
    for name in ("dev_error_ctc", "dev_error", "dev_error_output", ["dev_eror", "train_score"]):
        rule(learning_rate_control_error_measure=name).check_scores(
            [({"output": BOTH}, ["dev"]), ({"ctc": BOTH, "output": BOTH}, ["dev"])]
        )
    with pytest.raises(
        ConfigError, match="'dev_error', which no phase computes, expected one of train_score, train_error"
    ):
        rule(learning_rate_control_error_measure="dev_error").check_scores([({"output": BOTH}, [])])
    rule().check_scores([({"output": BOTH}, [])])


def test_a_layer_of_an_extra_net_has_its_own_name_only_if_the_main_net_has_the_same_loss():
    losses = {"output": ("cost",), "extra.more:output": ("cost",), "extra.search:found": ("cost", "error")}
    assert score_names(losses, []) == [
        "train_score_output", "train_score_extra.more:output", "train_score_found", "train_error",
    ]  # fmt: skip
    record = {"epoch": 1, "train": {"cost:output": 1.0, "cost:extra.more:output": 2.0, "cost:extra.search:found": 3.0}}
    assert named_scores(record) == {
        "train_score_output": 1.0, "train_score_extra.more:output": 2.0, "train_score_found": 3.0,
    }  # fmt: skip
