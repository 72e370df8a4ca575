"""Two pipelines of one name are refused before the first job, and told with their places."""

import asyncio
import json

import pytest

import jobs.pipeline
from boulder.errors import ConfigError
from jobs.adaptive_pipeline import lay_out_adaptive
from jobs.announced import laid_out_pipelines, unique_names
from tests.tiny import CONFIG, EXTERN_DATA, network

FORGOTTEN = """

def one_of(rate):
    experiment(rate, name="same")


def loop():
    for width in (4, 5):
        one_of(width)


def outputs():
    experiment(name="one")
    experiment(name="two", last_width=5)
    from jobs.pipeline import laid_out_pipelines
    for training in laid_out_pipelines().values():
        tk.register_output("best.h5", training.checkpoint)
"""


def lay_out(data, name="my", rate=0.1, **arguments):
    arguments = {"network": network(1, 3), "num_epochs": 2} | arguments
    config = CONFIG | {"learning_rate": rate}
    return jobs.pipeline.lay_out(
        name, config=config, extern_data=EXTERN_DATA, train_data=data / "train.hdf", **arguments
    )


def test_the_message_names_both_places_and_what_differs(data):
    with unique_names():
        for rate in (0.1, 0.2):
            if rate == 0.1:
                lay_out(data, rate=rate)
                continue
            with pytest.raises(ConfigError) as caught:
                lay_out(data, rate=rate)
    text = str(caught.value)
    assert text.startswith("two pipelines are called 'my': one is laid out in ")
    assert text.count("test_pipeline_names.py:") >= 2
    assert "they differ in epochs 1–2: learning_rate_control: " in text
    assert "(0.1 and 0.2)" in text or "[0.1, 0.1]" in text


def test_the_same_pipeline_twice_and_a_config_that_is_run_again_are_fine(data):
    for rate in (0.1, 0.2):
        with unique_names():
            assert lay_out(data, rate=rate).jobs == lay_out(data, rate=rate).jobs
            lay_out(data, "other")
            assert [*laid_out_pipelines()] == ["my", "other"]
    lay_out(data, rate=0.3)  # outside, as in a test
    lay_out(data, rate=0.4)


def test_another_number_of_epochs_is_another_pipeline(data):
    with unique_names():
        lay_out(data)
        with pytest.raises(ConfigError, match=r"two pipelines are called 'my': .*they differ in "):
            lay_out(data, num_epochs=3)


def test_an_adaptive_pipeline_grows_under_its_name_and_two_do_not_share_one(data, monkeypatch):
    async def never(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr("sisyphus.tk.async_run", never)

    def begin(width):
        def algo(idx, net_dict, history):
            return network(1, width) if idx < 2 and (not history or idx) else None

        return lay_out_adaptive(
            "my", network=network(1, 4), pretrain={"construction_algo": algo}, num_epochs=4, config=CONFIG,
            extern_data=EXTERN_DATA, train_data=data / "train.hdf",
        )  # fmt: skip

    async def both(*widths):
        tasks = [asyncio.ensure_future(begin(width)) for width in widths]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()

    with unique_names():
        asyncio.run(both(2, 2))
    with unique_names(), pytest.raises(ConfigError, match="two pipelines are called 'my'"):
        asyncio.run(both(2, 3))


@pytest.mark.parametrize(
    ("command", "function", "messages"),
    [
        (["boulder", "run"], "loop", ["two pipelines are called 'same'", "tiny.py:"]),
        (["boulder", "plan"], "loop", ["two pipelines are called 'same'"]),
        (["boulder", "status"], "loop", ["two pipelines are called 'same'"]),
        (["boulder", "run"], "outputs", ["two outputs are called 'best.h5'", "tiny.py:"]),
    ],
)
def test_commands_refuse_them_in_one_line_and_start_nothing(project, command, function, messages):
    with open(project.folder / "config/tiny.py", "a") as file:
        file.write(FORGOTTEN)
    code, output = project.run(*command, f"config/tiny.{function}")
    assert code == 1
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    for message in messages:
        assert message in output
    assert not list(project.folder.glob("work/jobs"))


def test_a_plan_tells_outputs_of_one_name_below_the_table(project):
    with open(project.folder / "config/tiny.py", "a") as file:
        file.write(FORGOTTEN)
    code, output = project.run("boulder", "plan", "config/tiny.outputs")
    assert code == 1
    assert "366" in output
    told = output[output.index("`boulder run` would refuse it:") :].splitlines()[1]
    assert told.startswith("  two outputs are called 'best.h5': ")
    code, output = project.run("boulder", "plan", "config/tiny.outputs", "--json")
    assert code == 1
    assert [[line[:23] for line in pipeline["problems"]] for pipeline in json.loads(output)] == [
        [],
        ["two outputs are called "],
    ]


def test_sis_manager_refuses_what_run_refuses(project):
    (project.folder / "output/tiny/checkpoint.h5").mkdir(parents=True)
    (project.folder / "work").mkdir()
    for command in (["boulder", "run"], ["sis", "manager", "-r"]):
        code, output = project.run(*command, "config/tiny.experiment")
        assert code == 1
        assert "error: output 'tiny/checkpoint.h5': output/tiny/checkpoint.h5 is a folder" in output
        assert "Traceback" not in output
    assert not list(project.folder.glob("work/jobs"))


@pytest.mark.parametrize("function", ["loop", "outputs"])
def test_sis_manager_refuses_them_too(project, function):
    with open(project.folder / "config/tiny.py", "a") as file:
        file.write(FORGOTTEN)
    (project.folder / "work").mkdir()
    code, output = project.run("sis", "manager", "-r", f"config/tiny.{function}")
    assert code != 0
    assert "two pipelines are called 'same'" in output or "two outputs are called 'best.h5'" in output
    assert not list(project.folder.glob("work/jobs"))
