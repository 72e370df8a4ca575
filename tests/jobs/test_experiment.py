"""Arguments of `lay_out`: each wrong one gets one line, before anything is laid out."""

from dataclasses import fields

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import ConfigError
from jobs.experiment import Experiment, ExperimentOptions
from jobs.rqmt import KEYS, check_rqmt


def experiment(name="n", **arguments) -> Experiment:
    given = {"network": {}, "config": {}, "extern_data": {"data": {"dim": 3}}, "train_data": "train.hdf"}
    return Experiment.of(name, given | arguments)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (3, "found 3, expected a non-empty string"),
        (None, "found None, expected a non-empty string"),
        ("", "found '', expected a non-empty string"),
        (" ", "found ' ', expected a non-empty string"),
        ("../../evil", r"found '\.\./\.\./evil', expected a relative path without '\.\.'"),
        ("a/..", r"found 'a/\.\.', expected a relative path"),
        ("/abs", "found '/abs', expected a relative path"),
    ],
)
def test_a_name_outside_of_the_aliases_is_refused(name, message):
    with pytest.raises(ConfigError, match=f"^name of the pipeline: {message}"):
        experiment(name)


@pytest.mark.parametrize("name", ["g2p", "g2p/small", "a..b", "ä b"])
def test_a_name_may_be_a_path(name):
    assert experiment(name).name == name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": None}, "config: found None, expected a dict of training options"),
        ({"config": [1]}, r"config: found \[1\], expected a dict of training options"),
        ({"config": {"train": "x"}}, "config: 'train' is no option .*'train_data=' of the pipeline, or in the '#config'"),
        ({"config": {"dev": "x"}}, "config: 'dev' is no option .*'dev_data=' of the pipeline, or in the '#config'"),
        ({"config": {"num_epochs": 3}}, "config: 'num_epochs' is no option .*'num_epochs=' of the pipeline$"),
        ({"num_epochs": "4"}, "num_epochs: found '4', expected an int or None"),
        ({"plan": 3, "network": None}, "plan: found 3, expected a Plan or a function"),
        ({"further_epochs": 3}, "further_epochs: found 3, expected a list of numbers"),
        ({"further_epochs": "3"}, "further_epochs: found '3', expected a list of numbers"),
        ({"function_options": "abc"}, "function_options: found 'abc', expected a list of names"),
        ({"rqmt": "x"}, "rqmt: found 'x', expected a dict"),
        ({"rqmt": {"gpus": 1}}, "rqmt: unknown key 'gpus', expected gpu, cpu, .*; did you mean 'gpu'"),
        ({"rqmt": {"memory": 3}}, "rqmt: unknown key 'memory', expected gpu, cpu, .*; did you mean 'mem'"),
        ({"rqmt": {"cpu": "two"}}, "rqmt: cpu: found 'two', expected a number"),
        ({"rqmt": {"gpu": -1}}, "rqmt: gpu: found -1, expected a number"),
        ({"rqmt": {"mem": "4X"}}, "rqmt: mem: found '4X', expected GB as a number, or a string such as '512M'"),
        ({"rqmt": {"mem": None}}, "rqmt: mem: found None, expected GB"),
        ({"rqmt": {"time": "soon"}}, "rqmt: time: found 'soon', expected hours as a number, or .*'1:30:00'"),
    ],
)  # fmt: skip
def test_an_argument_of_a_wrong_type_is_reported_in_one_line(arguments, message):
    with pytest.raises(ConfigError, match=f"^pipeline 'n': {message}") as raised:
        experiment(**arguments)
    assert "\n" not in str(raised.value)


def test_what_an_engine_reads_is_accepted():
    others = {
        "multi_node_slots": 2,
        "engine": "short",
        "sbatch_args": "-p x",
        "qsub_args": ["-q", "x"],
        "gpu_name": "a",
    }
    for rqmt in ({"mem": "4G", "time": "0:30:00"}, {"mem": "4", "time": 1.5, "cpu": 0.5}, {"gpu": 0, **others}):
        assert rqmt.keys() <= set(KEYS)
        check_rqmt(rqmt, "rqmt")


def test_a_function_option_may_have_any_name():
    assert experiment(config={"train": 3}, function_options=["train"]).config == {"train": 3}


def test_the_static_signature_has_the_fields_of_experiment():
    own = {f.name: f for f in fields(Experiment) if f.name != "name"}
    types = {name: getattr(of, "__forward_arg__", of) for name, of in ExperimentOptions.__annotations__.items()}
    required = {name for name, f in own.items() if f.default is f.default_factory}
    assert types == {name: f"Required[{f.type}]" if name in required else f.type for name, f in own.items()}
