"""`plan_next`: plans that depend on the scores so far."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from boulder.errors import ScheduleError
from boulder.schedule import WrapEpochValue, plan, plan_next

NETWORK = {"l": {"class": "linear", "n_out": 99}, "output": {"class": "softmax", "loss": "ce"}}


def records(*losses: float) -> list[dict]:
    return [{"epoch": epoch, "dev": {"loss": loss}} for epoch, loss in enumerate(losses, 1)]


def while_it_improves(idx, net_dict, history):
    """Grows until the dev score no longer improves."""
    losses = [record["dev"]["loss"] for record in history]
    if len(losses) > 1 and losses[-1] >= losses[-2]:
        return None
    net_dict["l"]["n_out"] = idx
    return net_dict


def test_the_plan_grows_with_the_history_until_the_algo_ends_it():
    pretrain = {"construction_algo": while_it_improves, "repetitions": {"final": 2}}
    seen = [plan_next(NETWORK, pretrain, records(*[3.0, 2.0, 2.5][:n]), 9) for n in range(4)]
    assert [outlook.needs for outlook in seen] == [1, 2, 3, None]
    assert [outlook.plan.num_epochs for outlook in seen] == [1, 2, 3, 9]
    assert [phase.name for phase in seen[3].plan.phases] == ["00", "01", "02", "final"]
    assert seen[3].plan.num_pretrain_epochs == 5
    assert seen[3].decisions == (1, 2, 3)
    for outlook in seen:
        assert outlook.plan.phases == seen[3].plan.phases[: len(outlook.plan.phases)]


def test_the_algo_receives_only_the_records_before_its_index():
    asked = []

    def algo(idx, net_dict, history):
        asked.append((idx, [record["epoch"] for record in history]))
        history.clear()  # a copy
        net_dict["l"]["n_out"] = idx
        return net_dict if idx < 2 else None

    history = records(1.0, 1.0, 1.0, 1.0, 1.0)
    outlook = plan_next(NETWORK, {"construction_algo": algo, "repetitions": 2}, history)
    assert asked == [(0, []), (1, [1, 2]), (2, [1, 2, 3, 4])]
    assert (len(history), outlook.needs, outlook.plan.num_epochs) == (5, None, 6)
    plan_next(NETWORK, {"construction_algo": algo, "repetitions": 2}, history[:3])
    assert asked[3:] == [(0, []), (1, [1, 2])]  # epoch 4 has no record yet


def test_equal_networks_are_one_phase_with_a_decision_inside():
    def algo(idx, net_dict, history):
        return net_dict if idx < 2 else None

    outlook = plan_next(NETWORK, {"construction_algo": algo}, records(1.0, 1.0), 7)
    assert [phase.epochs for phase in outlook.plan.phases] == [range(1, 8)]
    assert (outlook.decisions, outlook.needs) == ((1, 2), None)


def test_num_epochs_cuts_the_plan():
    outlook = plan_next(NETWORK, {"construction_algo": while_it_improves, "repetitions": 4}, records(*[1.0] * 4), 6)
    assert (outlook.plan.num_epochs, outlook.needs) == (6, None)


def test_epoch_values_are_resolved():
    net = NETWORK | {"l": {"class": "linear", "n_out": WrapEpochValue(lambda epoch: epoch)}}

    def algo(idx, net_dict, history):
        return net_dict if idx < 1 else None

    phases = plan_next(net, {"construction_algo": algo, "repetitions": 2}, records(1.0, 1.0), 9).plan.phases
    assert [(phase.name, phase.epochs, phase.network["l"]["n_out"]) for phase in phases] == [
        ("00", range(1, 2), 1),
        ("00.2", range(2, 3), 2),
        ("final", range(3, 4), 3),
        ("final.2", range(4, 10), 4),
    ]


steps_and_repetitions = st.integers(0, 4).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.none()
        | st.integers(0, 3)
        | st.lists(st.integers(0, 3), max_size=n + 1)
        | st.dictionaries(st.sampled_from(["default", "final", -1, *range(n)]), st.integers(0, 3)),
    )
)


@given(steps_and_repetitions)
def test_with_all_scores_the_plan_equals_that_of_an_algo_without_history(drawn):
    num_indices, repetitions = drawn

    def algo(idx, net_dict):
        net_dict["l"]["n_out"] = idx // 2
        return net_dict if idx < num_indices else None

    def adaptive(idx, net_dict, history):
        return algo(idx, net_dict)

    def planned(function):
        try:
            return function()
        except ScheduleError as error:
            return str(error)

    expected = planned(lambda: plan(NETWORK, {"construction_algo": algo, "repetitions": repetitions}))
    pretrain = {"construction_algo": adaptive, "repetitions": repetitions}
    found = planned(lambda: plan_next(NETWORK, pretrain, records(*[1.0] * 20)).plan)
    assert found == expected


def test_the_plan_of_an_algo_without_history_is_complete_at_once():
    def algo(idx, net_dict, **kwargs):
        assert not kwargs
        return

    outlook = plan_next(NETWORK, {"construction_algo": algo}, [], 5)
    assert (outlook.plan, outlook.needs) == (plan(NETWORK, {"construction_algo": algo}, 5), None)
    assert plan_next(NETWORK, None, [], 5).plan == plan(NETWORK, None, 5)


def test_bad_input():
    def error_of(history, algo=while_it_improves, **options):
        with pytest.raises(ScheduleError) as caught:
            plan_next(NETWORK, {"construction_algo": algo, **options}, history, max_index=5)
        return str(caught.value)

    assert error_of([{"epoch": 2}]) == "history[0]: found 2 (int), expected the record of epoch 1"
    assert error_of({"epoch": 1}).startswith("history: found {'epoch': 1} (dict), expected a list")
    assert error_of([], repetitions={-2: 3}).startswith(
        "repetitions: found step -2, but the number of steps depends on the history"
    )
    assert "max_index=5" in error_of([], lambda idx, net_dict, history: net_dict, repetitions={"default": 0})
    assert "0 epochs for all 1 step" in error_of([], lambda idx, net_dict, history: None, repetitions=[0])
    assert "construction_algo at idx 0: ZeroDivisionError" in error_of([], lambda idx, net_dict, history: 1 // idx)
    with pytest.raises(ScheduleError, match="construction_algo takes 'history'"):
        plan(NETWORK, {"construction_algo": while_it_improves})
