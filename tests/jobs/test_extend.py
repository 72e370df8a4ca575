"""`boulder extend` continues a pipeline after its end in a further job."""

import json

import pytest

from tests.jobs.conftest import wait_for
from tests.jobs.test_adaptive_runs import CONFIG as ADAPTIVE
from tests.jobs.test_show_status import CONFIG


def extend(project, epochs: int, config: str = CONFIG, *more: str):
    return project.run("boulder", "extend", config, "--epochs", str(epochs), *more)


@pytest.mark.slow
def test_extending_twice_trains_like_a_longer_pipeline_and_nothing_twice(trained, manager):
    finished = trained.finished_jobs()
    code, output = extend(trained, 2)
    assert code == 0, output
    assert "tiny: epochs 7–8 are added; to keep them in the config, write lay_out(…, further_epochs=[2])" in output
    assert "finished: tiny/phase.final.epoch7" in output
    assert "finished: tiny/report" in output
    assert "finished: tiny/phase.final\n" not in output
    code, output = extend(trained, 1)
    assert code == 0, output
    assert "tiny: epoch 9 is added; to keep it in the config, write lay_out(…, further_epochs=[2, 1])" in output
    assert finished.items() <= trained.finished_jobs().items()
    assert len(trained.finished_jobs()) == len(finished) + 4  # two trainings, two reports
    assert list(trained.states()) == ["00", "01", "final", "final.epoch7", "final.epoch9"]
    extended = trained.checkpoint()
    text = (trained.folder / "output/tiny/report.html").read_text()
    assert "<dt>epochs</dt><dd>9</dd>" in text

    # The config contains it as well, and nothing runs.
    code, output = trained.run("boulder", "run", "config/tiny.reported(2, (2, 1))")
    assert code == 0, output
    assert "6 of 6 jobs are finished already" in output

    # A pipeline planned like this from the beginning ends in the same bytes.
    config = trained.folder / "config/tiny.py"
    config.write_text(config.read_text().replace("num_epochs=3 * epochs", "num_epochs=9"))
    code, output = trained.run("boulder", "run", "config/tiny.experiment(6, None, 2, 'at_once')")
    assert code == 0, output
    assert trained.checkpoint("at_once") == extended


@pytest.mark.long
def test_the_learning_rates_of_the_config_continue(trained):
    config = trained.folder / "config/tiny.py"
    config.write_text(config.read_text().replace('{"learning_rate": 0.01}', '{"learning_rates": {8: 0.005, 9: 0.002}}'))
    call = "config/tiny.experiment(6, 1, 2, 'rates', (1, 3))"
    code, output = trained.run(
        "sis",
        "console",
        "--script",
        "-c",
        "from jobs.pipeline import laid_out_pipelines",
        "-c",
        "print([job.phases[0]['learning_rate_control']['rates'] for job in laid_out_pipelines()['rates'].jobs[3:]])",
        call,
    )
    assert code == 0, output
    assert "[[0.001], [0.005, 0.002, 0.002]]" in output


@pytest.mark.slow
def test_an_adaptive_pipeline_is_extended_once_its_end_is_decided(project, data, manager):
    project.write_config(ADAPTIVE.replace("@data@", str(data)), "grow")
    code, output = extend(project, 1, "config/grow.py")
    assert code == 1
    assert (
        "pipeline 'grow' can be extended once its schedule is decided to its end: let `boulder run` train it beyond epoch 1 first"
        in output
    )
    assert not (project.folder / "work/further_epochs.json").exists()

    code, output = project.run("boulder", "run", "config/grow.py")
    assert code == 0, output
    finished = project.finished_jobs()
    code, output = extend(project, 2, "config/grow.py")
    assert code == 0, output
    assert "grow: epochs 6–7 are added" in output
    assert "finished: grow/phase.01.epoch6" in output
    assert finished.items() <= project.finished_jobs().items()
    assert list(project.states("config/grow.py")) == ["00", "01", "01.epoch3", "01.epoch6"]


@pytest.mark.long
def test_extend_is_refused_while_a_manager_runs(project):
    config = "config/tiny.experiment(6, 1, 100)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/log.run.1")))
        code, output = extend(project, 2, config)
    finally:
        project.stop(running)
    assert code == 1
    assert output.startswith("error: another manager (process ")
    assert not (project.folder / "work/further_epochs.json").exists()


@pytest.mark.parametrize(
    ("config", "more", "message"),
    [
        (CONFIG, ("--epochs", "0"), "--epochs 0: expected a positive integer"),
        (CONFIG, ("--epochs", "-3"), "--epochs -3: expected a positive integer"),
        (
            "config/tiny.two",
            ("--epochs", "1"),
            "the config lays out 2 pipelines: choose by --pipeline one of one, other",
        ),
        (
            "config/tiny.reported(2, (0,))",
            ("--epochs", "1"),
            "pipeline 'tiny': further_epochs: found 0, expected numbers of at least 1",
        ),
        ("config/tiny.nothing", ("--epochs", "1"), "config/tiny.py has no function 'nothing'"),
    ],
)
def test_wrong_input_is_one_line_and_adds_nothing(trained, config, more, message):
    code, output = trained.run("boulder", "extend", config, *more)
    assert code == 1
    assert output.startswith("error: ")
    assert message in output
    assert output.count("\n") == 1
    assert not (trained.folder / "work/further_epochs.json").exists()


def test_a_config_that_contradicts_the_added_epochs_is_reported(trained):
    (trained.folder / "work/further_epochs.json").write_text(json.dumps({"tiny": [2, 1]}))
    code, output = trained.run("boulder", "status", "config/tiny.reported(2, (3,))")
    assert (code, output.count("\n")) == (1, 1)
    assert (
        "further_epochs is [3], but `boulder extend` made it [2, 1]: begin with these, or remove 'tiny' from" in output
    )
    (trained.folder / "work/further_epochs.json").write_text("{")
    code, output = trained.run("boulder", "status", CONFIG)
    assert (code, output.count("\n")) == (1, 1)
    assert "work/further_epochs.json: Expecting property name" in output
