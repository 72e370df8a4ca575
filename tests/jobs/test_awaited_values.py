"""Numbers that jobs make: a config is planned as far as they are known, and `boulder run` makes them and goes on."""

import json

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import NotYetKnown
from boulder.training import Checkpoint
from jobs.forward import ForwardJob
from jobs.prior import PriorJob
from sisyphus import Job, gs, tk

CONFIG = """
from sisyphus import Job, Task, tk
from jobs.pipeline import lay_out
from tests.tiny import CONFIG, EXTERN_DATA, network


class Count(Job):
    def __init__(self, number):
        self.number = number
        self.out = self.output_var("number")

    def tasks(self):
        yield Task("run", mini_task=True)

    def run(self):
        self.out.set(self.number)


ARGUMENTS = dict(
    network=network(layers=1, width=4),
    num_epochs=1,
    config=CONFIG | {"learning_rate": 0.01},
    extern_data=EXTERN_DATA,
    train_data=tk.Path("@data@/train.hdf"),
    rqmt={"cpu": 1, "mem": 1},
)


def lay(name, **more):
    tk.register_output(f"{name}/checkpoint.h5", lay_out(name, **ARGUMENTS | more).checkpoint)


def py():
    lay("known")
    width = Count(5).out

    def algo(idx, net_dict):
        return network(layers=1, width=width) if idx == 0 else None

    lay(
        "counted",
        pretrain={"construction_algo": algo, "copy_param_mode": "subset"},
        num_epochs=Count(2).out,
        config=CONFIG | {"learning_rate": Count(1).out / 100, "batch_size": Count(60).out},
        extern_data=EXTERN_DATA | {"data": {"dim": Count(5).out + 1, "sparse": True}},
    )


async def waits():
    await tk.async_run(Count(7).out)
    lay("late", num_epochs=1)


def first():
    lay("first", num_epochs=Count(3).out * 2)


def got():
    lay("got", num_epochs=Count(3).out.get() * 2)


def compared():
    lay("compared", num_epochs=2 if Count(3).out > 5 else 1)


def counted_in_python():
    lay("range", num_epochs=len(range(Count(3).out)))
"""


@pytest.mark.long
def test_what_is_decided_is_planned_and_run_makes_the_rest(project, data):
    project.write_config(CONFIG.replace("@data@", str(data)), "numbers")
    code, text = project.run("boulder", "plan", "config/numbers.py")
    assert code == 0, text
    assert text.startswith("known\n")
    (line,) = [line for line in text.splitlines() if "waits" in line]
    assert line.startswith("config/numbers.py: the rest waits for ")
    for value in ("num_epochs", "config/learning_rate", "config/batch_size", "extern_data/data/dim"):
        assert f"{value} waits for 'number' of the job " in line
    assert "construction_algo" not in line  # not asked before there are the others

    code, text = project.run("boulder", "plan", "config/numbers.py", "--json")
    assert [pipeline["name"] for pipeline in json.loads(text[: text.rindex("]") + 1])] == ["known"]

    code, text = project.run("boulder", "run", "config/numbers.py")
    assert code == 0, text
    assert "the rest waits for " in text
    assert "output/counted/checkpoint.h5" in text
    assert "output/known/checkpoint.h5" in text
    (planned,) = [line for line in text.splitlines() if line.startswith("epoch 2 ")]
    assert "lr 0.01" in planned

    code, text = project.run("boulder", "plan", "config/numbers.py")
    assert code == 0, text
    assert "waits" not in text
    assert "counted" in text


def test_a_config_that_waits_before_its_first_pipeline_says_for_what(project, data):
    project.write_config(CONFIG.replace("@data@", str(data)), "numbers")
    for function in ("waits", "first"):
        code, text = project.run("boulder", "plan", f"config/numbers.{function}")
        assert code == 0, text
        assert f"config/numbers.{function}: the rest waits for config/numbers/Count." in text
        assert "which `boulder run` runs" in text
    code, text = project.run("boulder", "status", "config/numbers.first")
    assert code == 1
    assert "it lays out no pipeline yet; the rest waits for " in text


def test_an_object_in_place_of_its_value_gets_advice(project, data):
    project.write_config(CONFIG.replace("@data@", str(data)), "numbers")
    for function in ("compared", "counted_in_python", "got"):
        code, text = project.run("boulder", "plan", f"config/numbers.{function}")
        assert code == 1
        assert "; a variable has no value until its job has finished: pass it on as it is" in text


class Counted(Job):
    def __init__(self, what):
        self.out = self.output_var("number")


def test_a_pass_over_data_waits_for_its_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    size, width = Counted("size").out, Counted("width").out
    job = ForwardJob(
        checkpoint=tk.Path("checkpoint.h5"),
        extern_data={"data": {"dim": width}},
        data=tk.Path("data.hdf"),
        batch_size={"data": size},
        max_seqs=size / 10,
    )
    assert {size, width} <= job._sis_inputs
    audio = {"features": "mfcc", "num_feature_filters": width}
    with pytest.raises(NotYetKnown, match=r"^data/audio/num_feature_filters waits for 'number' of the job "):
        PriorJob(
            checkpoint=tk.Path("checkpoint.h5"),
            extern_data={"data": {"dim": width}},
            data={"class": "OggZipDataset", "path": tk.Path("data.zip"), "audio": audio},
        )
    for value, number in ((size, 200), (width, 40)):
        (tmp_path / value.get_path()).parent.mkdir(parents=True)
        value.set(number)
    monkeypatch.setattr("jobs.network_pass.limit_threads", lambda rqmt: None)
    monkeypatch.setattr("boulder.training.Checkpoint.load", lambda path: Checkpoint(1, 1, 1, None, {}, {}, {}))
    found = job.data_pass()
    assert (found.batch_size, found.max_seqs, found.extern_data) == ({"data": 200}, 20, {"data": {"dim": 40}})
