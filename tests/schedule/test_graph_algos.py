"""`from_output` and `from_input`: networks derived from the sources in the original one."""

import pytest

from boulder.errors import ScheduleError
from boulder.schedule import plan


def chain(*names: str, **more) -> dict:
    sources = ("data", *names)
    net = {
        name: {"class": "linear", "n_out": 9, "from": [source]} for source, name in zip(sources, names, strict=False)
    }
    net["output"] = {"class": "softmax", "loss": "ce", "from": [sources[-1]]}
    return net | more


def sources_of(network: dict, pretrain) -> list[dict]:
    """:return: layer → its sources, for each phase"""
    return [{name: layer["from"] for name, layer in phase.network.items()} for phase in plan(network, pretrain).phases]


@pytest.mark.parametrize("pretrain", [True, "default", {"repetitions": 1}, {"construction_algo": "from_output"}])
def test_the_default_removes_layers_before_the_output(pretrain):
    assert sources_of(chain("a", "b", "c"), pretrain) == [
        {"a": ["data"], "output": ["a"]},
        {"a": ["data"], "b": ["a"], "output": ["b"]},
        {"a": ["data"], "b": ["a"], "c": ["b"], "output": ["c"]},
    ]


def test_layers_without_trainable_parameters_are_not_a_step():
    network = chain("window", "a", "b")
    network["window"]["trainable"] = False
    for algo in ("from_output", "from_input"):
        assert [len(net) for net in sources_of(network, {"construction_algo": algo})] == [3, 4]


def test_from_input_reads_the_nearest_existing_layers():
    network = chain("a", "b", "c", aux={"class": "softmax", "target": "classes", "from": ["b"]})
    network["output"]["from"] = ["c", "a"]
    assert sources_of(network, {"construction_algo": "from_input"}) == [
        {"a": ["data"], "aux": ["a"], "output": ["a"]},
        {"a": ["data"], "b": ["a"], "aux": ["b"], "output": ["b", "a"]},
        {"a": ["data"], "b": ["a"], "c": ["b"], "aux": ["b"], "output": ["c", "a"]},
    ]


def test_the_construction_continues_where_an_assertion_fails_in_returnn():
    shared = chain("a", "b", out2={"class": "softmax", "loss": "ce", "from": ["b"]})
    options = {"output_layers": ["output", "out2"]}
    assert sources_of(shared, options)[0] == {"a": ["data"], "output": ["a"], "out2": ["a"]}
    skipping = chain("a", "b", "c")
    skipping["c"]["from"] = ["b", "a"]
    assert [net["output"] for net in sources_of(skipping, True)] == [["a", "b"], ["c"]]
    second = chain("a", "b", out2={"class": "softmax", "loss": "ce", "from": "output"})
    assert [net["out2"] for net in sources_of(second, options)] == [["a", "output"], "output"]
    text = chain("first", "second")
    text["second"]["from"], text["output"]["from"] = "first", "second"
    for algo in ("from_output", "from_input"):
        assert [net["output"] for net in sources_of(text, {"construction_algo": algo})] == [["first"], "second"]


def test_hash_keys_of_the_original_apply_to_every_step():
    network = chain("a", "b") | {"#repetition": 2, "#config": {"batch_size": 5}}
    result = plan(network, True)
    assert [(phase.name, phase.epochs) for phase in result.phases] == [("00", range(1, 3)), ("final", range(3, 5))]
    assert all(phase.config == {"batch_size": 5} for phase in result.phases)


def test_steps_share_unchanged_layers():
    for algo in ("from_output", "from_input"):
        first, *_, last = plan(chain("a", "b", "c"), {"construction_algo": algo}).phases
        assert first.network["a"] is last.network["a"]


@pytest.mark.parametrize("algo", ["from_output", "from_input"])
def test_missing_sources_and_sources_that_are_not_names(algo):
    def error_of(network, **options):
        with pytest.raises(ScheduleError) as caught:
            plan(network, {"construction_algo": algo, **options})
        return str(caught.value)

    network = chain("lstm0", "lstm1", "lstm2")
    network["lstm2"]["from"] = ["lstn1"]
    assert error_of(network).endswith("reads from 'lstn1', which is no layer; did you mean 'lstm1'?")
    network["lstm2"]["from"] = [3]
    assert "layer 'lstm2' has 'from' [3] (list), expected a layer name or a list of them" in error_of(network)


def test_a_missing_output_layer():
    with pytest.raises(ScheduleError, match=r"found output layer 'outptu', which is no layer; did you mean 'output'\?"):
        plan(chain("a"), {"output_layers": "outptu"})
