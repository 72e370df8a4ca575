"""`plan`: a message of one line for each invalid input."""

import re

import pytest

from boulder.errors import ScheduleError
from boulder.schedule import plan


def network() -> dict:
    return {"l": {"class": "linear", "n_out": 99}}


def error_of(algo=None, num_epochs=None, **pretrain) -> str:
    with pytest.raises(ScheduleError) as caught:
        plan(network(), {"construction_algo": algo or (lambda idx, net_dict: None), **pretrain}, num_epochs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def returning(**hash_keys):
    def algo(idx, net_dict):
        net_dict.update({f"#{key}": value for key, value in hash_keys.items()})
        return net_dict if idx < 2 else None

    return algo


def test_an_algo_that_never_returns_none_stops_at_max_index():
    calls = []

    def algo(idx, net_dict):
        calls.append(idx)
        return net_dict

    assert "max_index=1000" in error_of(algo)
    assert len(calls) == 1001
    with pytest.raises(ScheduleError, match=r"at idx 3: .* expected None by now.*max_index=3"):
        plan(network(), {"construction_algo": algo}, max_index=3)


def test_an_algo_may_use_all_indices_up_to_max_index():
    def algo(idx, net_dict):
        net_dict["l"]["n_out"] = idx
        return net_dict if idx < 3 else None

    assert len(plan(network(), {"construction_algo": algo}, max_index=3).phases) == 4


def test_an_exception_of_an_algo_is_reported_with_idx_and_line():
    def helper(net_dict):
        return net_dict["missing"]

    def algo(idx, net_dict):
        if idx == 2:
            helper(net_dict)
        return net_dict

    with pytest.raises(ScheduleError) as caught:
        plan(network(), {"construction_algo": algo})
    line = helper.__code__.co_firstlineno + 1
    assert re.fullmatch(
        rf"construction_algo at idx 2: KeyError: 'missing' \(.*test_plan_bad_input\.py:{line}\)", str(caught.value)
    )
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_reported_line_is_the_algos_own_if_a_library_raised():
    def algo(idx, net_dict):
        return int.from_bytes(re.compile("(").pattern)  # raises inside `re`

    assert f"test_plan_bad_input.py:{algo.__code__.co_firstlineno + 1})" in error_of(algo)


def test_a_message_of_several_lines_becomes_one_line():
    def algo(idx, net_dict):
        raise ValueError("first\n  second")

    assert "ValueError: first second (" in error_of(algo)


def test_an_algo_with_other_arguments():
    def algo(index, net):
        return None

    assert "construction_algo at idx 0: TypeError" in error_of(algo)
    assert f"test_plan_bad_input.py:{algo.__code__.co_firstlineno}, called with idx= and net_dict=" in error_of(algo)


@pytest.mark.parametrize(("wrong", "type_name"), [("net", "str"), ([1], "list"), (3, "int"), (True, "bool")])
def test_an_algo_that_returns_another_type(wrong, type_name):
    text = error_of(lambda idx, net_dict: wrong if idx == 1 else net_dict)
    assert text.startswith("construction_algo at idx 1: returned ")
    assert f"({type_name}), expected a net dict or None" in text


def test_an_algo_that_changes_the_original_through_a_reference_it_kept():
    original = network()

    def algo(idx, net_dict):
        if idx == 1:
            original["l"]["n_out"] = 7
        return net_dict if idx < 3 else None

    with pytest.raises(ScheduleError) as caught:
        plan(original, {"construction_algo": algo})
    assert str(caught.value).startswith(
        "construction_algo at idx 1: changed the original network (~l(n_out 99→7)) through a reference it kept"
    )


def test_layers_and_hash_keys_of_the_wrong_type():
    assert "layer 'l' is 5 (int), expected a dict" in error_of(lambda idx, net_dict: {"l": 5})
    assert "layer name 3 (int), expected a str" in error_of(lambda idx, net_dict: {3: {}})
    assert "'#confg'; did you mean '#config'?" in error_of(returning(confg={}))
    assert "'#config' is 5 (int), expected a dict" in error_of(returning(config=5))
    text = error_of(returning(copy_param_mode="subst"))
    assert "'#copy_param_mode': found 'subst'" in text
    assert "did you mean 'subset'?" in text


@pytest.mark.parametrize("value", [-1, 1.5, "2", None])
def test_repetitions_of_an_index_must_be_a_number_of_epochs(value):
    assert "construction_algo at idx 0: '#repetition': found " in error_of(returning(repetition=value))


def test_both_spellings_with_different_values():
    assert "found '#repetitions' 2 and '#repetition' 3" in error_of(returning(repetitions=2, repetition=3))


@pytest.mark.parametrize(
    ("repetitions", "message"),
    [
        (-1, "repetitions: found -1, expected 0 or more"),
        (1.5, "repetitions: found 1.5, expected a whole number"),
        ("2", "repetitions: found '2', expected a whole number"),
        ([1, -2], "repetitions[1]: found -2"),
        ([1, "x"], "repetitions[1]: found 'x'"),
        ([1, 2, 3, 4], "found 4 values, expected at most 3"),
        ({"finl": 2}, "found key 'finl', expected a step number, 'default' or 'final'; did you mean 'final'?"),
        ({"default": -2}, "repetitions['default']: found -2"),
        ({3: 1}, "found step 3, expected 0 to 2"),
        ({1.5: 1}, "found key 1.5"),
        ({"default": 0}, "0 epochs for all 3 steps"),
        ([0], "0 epochs for all 3 steps"),
    ],
)
def test_invalid_repetitions(repetitions, message):
    assert message in error_of(returning(), repetitions=repetitions)


def test_unknown_pretrain_options_get_the_nearest_name():
    assert "unknown option 'repetition'; did you mean 'repetitions'?" in error_of(repetition=2)
    assert "copy_param_mode: found 'sub', expected ifpossible, subset, reset, " in error_of(copy_param_mode="sub")


def test_pretrain_options_of_the_wrong_type():
    text = error_of("from_outputs")
    assert "construction_algo: found 'from_outputs' (str), expected a function of idx and net_dict, or one of " in text
    assert "did you mean 'from_output'?" in text
    assert "copy_output_layer: found 'subst' (str), expected True, False, " in error_of(copy_output_layer="subst")
    assert "did you mean 'subset'?" in error_of(copy_output_layer="subst")
    assert "greedy: found 'yes' (str), expected True or False" in error_of(greedy="yes")
    assert "output_layers: found 3 (int), expected a list of layer names" in error_of(output_layers=3)
    assert "'#trainable' is 'no' (str), expected True or False" in error_of(returning(trainable="no"))
    assert error_of(greedy=False, copy_output_layer="subset", num_epochs=0).startswith("num_epochs: found 0")


def test_arguments_of_the_wrong_type():
    with pytest.raises(
        ScheduleError, match=r"pretrain: found 5 \(int\), expected a dict, True, 'default', None or False"
    ):
        plan(network(), 5)
    with pytest.raises(ScheduleError, match="network: found list, expected a net dict"):
        plan([], None, 3)
    for pretrain in (None, True, {"construction_algo": "no_network_modifications"}):
        with pytest.raises(ScheduleError, match=r"the original network: found layer name 3 \(int\), expected a str"):
            plan({3: {}}, pretrain, 3)
    with pytest.raises(ScheduleError, match="num_epochs: found None, expected a number"):
        plan(network(), None)
    with pytest.raises(ScheduleError, match="epoch 9 is not planned: the plan has the epochs 1 to 3"):
        plan(network(), None, 3).phase(9)
