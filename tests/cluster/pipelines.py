"""Steps of the tests that run pipelines on a cluster."""

import ast
import subprocess

import psutil

from boulder.lexicon import write_lexicon
from tests.jobs.conftest import Project, wait_for

LONG = "experiment(6, None, 120)"  # one job of about 20 seconds; a batch system may take some of them to end it

FROM_A_LEXICON = """
def from_a_lexicon():
    from jobs.lexicon_to_hdf import LETTERS_TO_PHONEMES, LexiconToHdfJob

    lexicon = tk.Path("{lexicon}")
    training = lay_out(
        "lexicon",
        network=network(layers=1, width=6),
        pretrain={{"construction_algo": lambda idx, net_dict: network(layers=1, width=4) if idx == 0 else None}},
        num_epochs=2,
        config=CONFIG | {{"learning_rate": 0.01}},
        extern_data=LETTERS_TO_PHONEMES,
        train_data=LexiconToHdfJob(lexicon=lexicon, frames_per_letter=1).out_hdf,
        dev_data=LexiconToHdfJob(lexicon=lexicon, frames_per_letter=2).out_hdf,
        rqmt=RQMT,
    )
    tk.register_output("lexicon/checkpoint.h5", training.checkpoint)
"""


def training_folders(project: Project) -> list:
    return list(project.folder.glob("work/jobs/phase_training/PhaseTrainingJob.*"))


def training_log(project: Project) -> str:
    """:return: log of the only training job"""
    (folder,) = training_folders(project)
    return (folder / "log.run.1").read_text()


def submissions(project: Project) -> list[dict]:
    """:return: requirements of each submission of the only training job"""
    (folder,) = training_folders(project)
    return [ast.literal_eval(line)[1] for line in (folder / "submit_log.run").read_text().splitlines()]


def worker(project: Project) -> psutil.Process:
    """:return: worker of the only training job"""
    (folder,) = training_folders(project)
    return psutil.Process(ast.literal_eval((folder / "usage.run.1").read_text())["pid"])


def epochs_done(project: Project) -> int:
    files = project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")
    return sum(len(file.read_text().splitlines()) for file in files)


def wait_for_epochs(project: Project, count: int) -> None:
    wait_for(lambda: epochs_done(project) >= count, 200)


def begin(project: Project) -> subprocess.Popen:
    """:return: a manager whose job has trained for two epochs"""
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_for_epochs(project, 2)
    return manager


def end(manager: subprocess.Popen, cluster) -> None:
    output, _ = manager.communicate(timeout=400)
    assert manager.returncode == 0, output + cluster.logs()


def end_early_and_often(project: Project, ways: list) -> None:
    """
    Calls each of `ways` after two more epochs, and waits until the phase has resumed.

    :param ways: functions that end a running phase
    """
    for number, way in enumerate(ways, start=1):
        wait_for_epochs(project, epochs_done(project) + 2)
        way()
        wait_for(lambda number=number: training_log(project).count("resuming after epoch") == number, 200)


def run_from_a_lexicon(project: Project, cluster) -> None:
    """Runs two phases on data from two data jobs. Logs are in Sisyphus's places; data jobs do not go to the cluster."""
    lexicon = project.folder / "lexicon.txt"
    write_lexicon(lexicon, {"a": [["AH"], ["EY"]], "be": [["B", "IY"]]})
    config = project.folder / "config/tiny.py"
    config.write_text(config.read_text() + FROM_A_LEXICON.format(lexicon=lexicon))
    code, output = project.run("boulder", "run", "config/tiny.from_a_lexicon", timeout=400)
    assert code == 0, output + cluster.logs()
    folders = training_folders(project)
    assert len(folders) == 2
    for folder in folders:
        assert "Job finished successfully" in (folder / "log.run.1").read_text()
        assert len(list((folder / "engine").iterdir())) == 1
        assert (folder / "usage.run.1").exists()
    data = [log.read_text() for log in project.folder.glob("work/jobs/lexicon_to_hdf/*/submit_log.run")]
    assert len(data) == 2
    for line in data:
        _, asked = ast.literal_eval(line)
        assert asked["engine_name"] == "local"
        assert not asked.get("gpu")
