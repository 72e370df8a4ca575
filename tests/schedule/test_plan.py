"""`plan`: which network is trained in which epoch."""

import itertools

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from boulder.schedule import plan


def network(n_out: int = 99) -> dict:
    return {"l": {"class": "linear", "n_out": n_out, "from": ["data"]}, "output": {"class": "softmax", "from": "l"}}


def growing(num_indices: int, **hash_keys):
    """An algo whose layer has a width that depends on the index."""

    def algo(idx, net_dict):
        if idx == num_indices:
            return None
        net_dict["l"]["n_out"] = idx
        net_dict.update({f"#{key}": value(idx) for key, value in hash_keys.items()})
        return net_dict

    return algo


def test_worked_example_of_the_documentation():
    def custom_construction_algo(idx, net_dict):
        if idx == 5:
            return None
        stop_token_loss_scale = min(idx / 5, 1.0)
        net_dict["decoder"]["unit"]["stop_token"]["loss_scale"] = stop_token_loss_scale
        return net_dict

    original = {"decoder": {"class": "rec", "unit": {"stop_token": {"class": "linear", "loss_scale": 1.0}}}}
    result = plan(original, {"repetitions": 2, "construction_algo": custom_construction_algo}, 30)
    assert [phase.index for phase in result.phases] == [0, 1, 2, 3, 4, None]
    assert [phase.epochs for phase in result.phases[:5]] == [range(i, i + 2) for i in (1, 3, 5, 7, 9)]
    assert result.phases[5].epochs == range(11, 31)
    scales = [phase.network["decoder"]["unit"]["stop_token"]["loss_scale"] for phase in result.phases]
    assert scales == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert result.num_pretrain_epochs == 12  # including the original's own repetitions, epochs 11 and 12
    assert all(phase.is_pretrain for phase in result.phases)
    assert original["decoder"]["unit"]["stop_token"]["loss_scale"] == 1.0


@given(
    repetitions=st.lists(st.integers(0, 4), min_size=1, max_size=6).filter(any),
    num_epochs=st.none() | st.integers(1, 30),
    period=st.integers(1, 4),
)
def test_phases_cover_all_epochs_and_neighbours_differ(repetitions, num_epochs, period):
    def algo(idx, net_dict):
        net_dict["l"]["n_out"] = idx // period
        return net_dict if idx < len(repetitions) - 1 else None

    result = plan(network(), {"repetitions": repetitions, "construction_algo": algo}, num_epochs)
    epochs = [epoch for phase in result.phases for epoch in phase.epochs]
    assert epochs == list(range(1, (num_epochs or sum(repetitions)) + 1))
    assert result.num_epochs == epochs[-1]
    assert result.num_pretrain_epochs == sum(repetitions)
    for before, after in itertools.pairwise(result.phases):
        assert before.network != after.network
    for epoch in epochs:
        assert epoch in result.phase(epoch).epochs


def test_algo_is_called_by_keyword_once_per_index_with_a_deep_copy():
    calls, copies = [], []

    def algo(*, net_dict, idx):
        assert net_dict == network()
        calls.append(idx)
        copies.append(net_dict)
        net_dict["l"]["from"].append("x")
        return net_dict if idx < 3 else None

    plan(network(), {"construction_algo": algo})
    assert calls == [0, 1, 2, 3]
    assert len({id(copy["l"]["from"]) for copy in copies}) == 4


def test_without_pretraining_there_is_one_phase():
    for pretrain in (None, False, {}):
        (phase,) = plan(network(), pretrain, 7).phases
        assert (phase.index, phase.epochs, phase.is_pretrain, phase.network) == (None, range(1, 8), False, network())
    assert plan(network(), None, 7).num_pretrain_epochs == 0


def test_no_network_modifications_trains_the_original_network():
    result = plan(network(), {"construction_algo": "no_network_modifications", "repetitions": 3}, 5)
    assert [(phase.index, phase.epochs) for phase in result.phases] == [(None, range(1, 6))]
    assert (result.num_pretrain_epochs, result.phases[0].is_pretrain) == (3, True)


def test_num_epochs_may_cut_pretraining():
    result = plan(network(), {"construction_algo": growing(5), "repetitions": 2}, 5)
    assert [(phase.index, phase.epochs) for phase in result.phases] == [
        (0, range(1, 3)),
        (1, range(3, 5)),
        (2, range(5, 6)),
    ]
    assert result.num_pretrain_epochs == 12


def test_num_epochs_defaults_to_the_epochs_of_pretraining():
    assert plan(network(), {"construction_algo": growing(2), "repetitions": [1, 2, 4]}).num_epochs == 7


def test_equal_consecutive_indices_form_one_phase_with_the_first_index():
    def algo(idx, net_dict):
        net_dict["l"]["n_out"] = 8 * (idx // 2)
        return net_dict if idx < 4 else None

    result = plan(network(8), {"construction_algo": algo})
    assert [(phase.index, phase.indices, phase.epochs) for phase in result.phases] == [
        (0, (0, 1), range(1, 3)),
        (2, (2, 3, None), range(3, 6)),
    ]


def test_numpy_numbers_equal_python_numbers():
    def algo(idx, net_dict):
        net_dict["l"]["n_out"] = [8, np.int64(8), np.array(8)][idx] if idx < 3 else 9
        net_dict["l"]["init"] = np.array([1.0, np.nan])
        return net_dict if idx < 4 else None

    assert [phase.indices for phase in plan(network(), {"construction_algo": algo}).phases] == [
        (0, 1, 2),
        (3,),
        (None,),
    ]


def test_a_change_of_overrides_begins_a_new_phase():
    def algo(idx, net_dict):
        net_dict["#config"] = {"batch_size": 100 if idx == 0 else 200}
        return net_dict if idx < 3 else None

    result = plan(network(), {"construction_algo": algo})
    assert [(phase.index, phase.config) for phase in result.phases] == [
        (0, {"batch_size": 100}),
        (1, {"batch_size": 200}),
        (None, {}),
    ]
    assert all(phase.network == network() for phase in result.phases)


def test_copy_param_mode_of_an_index_takes_precedence():
    algo = growing(2, copy_param_mode=lambda idx: ["subset", None][idx])
    result = plan(network(), {"construction_algo": algo, "copy_param_mode": "reset"})
    assert [phase.copy_param_mode for phase in result.phases] == ["subset", None, "reset"]


def test_hash_keys_of_the_original_apply_to_every_index():
    original = {**network(), "#config": {"batch_size": 5}, "#repetition": 3}
    result = plan(original, {"construction_algo": growing(1)})
    assert [(phase.epochs, phase.config) for phase in result.phases] == [
        (range(1, 4), {"batch_size": 5}),
        (range(4, 7), {"batch_size": 5}),
    ]
    assert not any(name.startswith("#") for phase in result.phases for name in phase.network)


def test_both_spellings_of_repetitions_work_and_the_plan_knows_the_plural():
    plural = plan(network(), {"construction_algo": growing(3, repetitions=lambda idx: idx + 1)})
    singular = plan(network(), {"construction_algo": growing(3, repetition=lambda idx: idx + 1)})
    epochs = [range(1, 2), range(2, 4), range(4, 7), range(7, 8)]
    assert [phase.epochs for phase in singular.phases] == [phase.epochs for phase in plural.phases] == epochs
    assert (plural.has_plural, singular.has_plural) == (True, False)


def test_final_0_keeps_the_last_constructed_network_and_its_overrides():
    algo = growing(2, config=lambda idx: {"batch_size": idx})
    last = plan(network(), {"construction_algo": algo, "repetitions": {"final": 0}}, 10).phases[-1]
    assert (last.index, last.epochs, last.config) == (1, range(2, 11), {"batch_size": 1})


def test_final_takes_precedence_over_step_numbers():
    result = plan(network(), {"construction_algo": growing(1), "repetitions": {-1: 3, 0: 2, "final": 4}})
    assert [phase.epochs for phase in result.phases] == [range(1, 3), range(3, 7)]


def test_net_dicts_may_contain_functions_modules_and_objects():
    class Thing:
        def __init__(self):
            self.values = [1]

    def custom(source):
        return source

    original = {"l": {"class": "eval", "eval": custom, "module": np, "thing": Thing()}, "m": {"class": "copy", "n": 0}}

    def algo(idx, net_dict):
        assert net_dict["l"]["thing"] is not original["l"]["thing"]
        net_dict["l"]["thing"].values.append(2)
        net_dict["l"]["loss"] = lambda x: x  # another object in each call, but an equal function
        return net_dict if idx < 2 else None

    result = plan(original, {"construction_algo": algo})
    assert [phase.indices for phase in result.phases] == [(0, 1), (None,)]
    assert result.phases[0].network["l"]["eval"] is custom
    assert original["l"]["thing"].values == [1]


def test_functions_with_other_captured_values_begin_a_new_phase():
    def algo(idx, net_dict):
        half = idx // 2
        net_dict["l"]["eval"] = lambda source: source * half
        return net_dict if idx < 4 else None

    assert [phase.indices for phase in plan(network(), {"construction_algo": algo}).phases] == [(0, 1), (2, 3), (None,)]


def test_a_list_at_two_places_stays_one_list_in_the_copy():
    shared = {"class": "linear", "n_out": 9}

    def algo(idx, net_dict):
        net_dict["a"]["n_out"] = 1
        return net_dict if idx == 0 else None

    first = plan({"a": shared, "b": shared}, {"construction_algo": algo}).phases[0]
    assert first.network["b"]["n_out"] == 1  # as with copy.deepcopy, which RETURNN uses


def test_later_changes_of_a_returned_network_have_no_effect():
    kept = network()

    def algo(idx, net_dict):
        kept["l"]["n_out"] = idx
        return kept if idx < 2 else None

    result = plan(network(), {"construction_algo": algo})
    assert [phase.network["l"]["n_out"] for phase in result.phases] == [0, 1, 99]


def test_phases_share_unchanged_layers():
    phases = plan(network(), {"construction_algo": growing(3)}).phases
    assert all(phase.network["output"] is phases[0].network["output"] for phase in phases)
