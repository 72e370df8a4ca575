"""Requirements with wrong units, types or keys are refused before the first job, whichever job has them."""

import re
from pathlib import Path

import pytest

import jobs
from boulder.errors import ConfigError
from jobs.dump_hdf import DumpHdfJob
from jobs.export_checkpoint import ExportCheckpointJob
from jobs.phase_training import PhaseTrainingJob
from jobs.returnn_search import ReturnnSearchJob
from jobs.rqmt import check_rqmt, check_rqmt_of_jobs
from sisyphus import Job, tk

CHECKPOINT = tk.Path("checkpoint.h5")
MAKE = [
    lambda rqmt: ReturnnSearchJob(checkpoint=CHECKPOINT, extern_data={}, data=tk.Path("dev.hdf"), rqmt=rqmt),
    lambda rqmt: ExportCheckpointJob(checkpoint=CHECKPOINT, rqmt=rqmt),
    lambda rqmt: PhaseTrainingJob(phases=[], extern_data={}, rqmt=rqmt),
    lambda rqmt: DumpHdfJob(data=tk.Path("dev.hdf"), rqmt=rqmt),
]


@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize(
    ("rqmt", "message"),
    [
        ({"gpus": 1}, r"Job: rqmt: unknown key 'gpus', expected gpu, .*; did you mean 'gpu'\?"),
        ({"cpus": 2}, r"Job: rqmt: unknown key 'cpus', .*; did you mean 'cpu'\?"),
        ({"mem": "4GB"}, "Job: rqmt: mem: found '4GB', expected GB as a number, or a string such as '512M'"),
        ({"time": "0:30"}, "Job: rqmt: time: found '0:30', expected hours as a number, or a string such as '1:30:00'"),
        ({"gpu": "1"}, "Job: rqmt: gpu: found '1', expected a number"),
        ([4], r"Job: rqmt: found \[4\], expected a dict such as {'cpu': 2, 'mem': 4}"),
    ],
)
def test_a_wrong_requirement_is_refused_when_the_job_is_made(make, rqmt, message):
    with pytest.raises(ConfigError, match=f"^[A-Za-z]*{message}"):
        make(rqmt)


@pytest.mark.parametrize(
    ("key", "meant"),
    [("num_cpus", "cpu"), ("cores", "cpu"), ("cpu_rqmt", "cpu"), ("cpu_num", "cpu"), ("gpu_count", "gpu"), ("mem_gb", "mem"),
     ("max_memory", "mem"), ("hours", "time"), ("time_limit", "time"), ("nodes", "multi_node_slots"), ("slurm_partition", "sbatch_args")],
)  # fmt: skip
def test_a_key_in_other_words_is_refused_with_the_right_one(key, meant):
    with pytest.raises(ConfigError, match=rf"^here: unknown key {key!r}, expected .*; did you mean '{meant}'\?$"):
        check_rqmt({key: 1}, "here")
    check_rqmt({meant: 1, "licenses": 2}, "here")  # the latter may be for an engine of the user's


def test_no_job_takes_requirements_unchecked():
    for file in Path(jobs.__file__).parent.glob("*.py"):
        text = file.read_text()
        if re.search(r"\brqmt: dict.* = None", text) and "(Job)" in text:
            assert "with_defaults(rqmt, self, " in text, file


class Foreign(Job):
    def __init__(self, rqmt):
        self.rqmt = rqmt


def test_the_amounts_of_other_jobs_are_checked_but_not_their_keys():
    check_rqmt_of_jobs([Foreign({"gpu": 1, "mem": "4G", "time": 2, "gpu_mem": 24, "memory_limit": 3})])
    with pytest.raises(ConfigError, match=r"Foreign\.\w+: rqmt: mem: found '4GB', expected GB"):
        check_rqmt_of_jobs([Foreign({"mem": "4GB"})])


BAD_TASK = """
from sisyphus import Job, Task, tk


class Bad(Job):
    def __init__(self, waits_for=None):
        self.out = self.output_path("out")

    def tasks(self):
        yield Task("run", rqmt={"mem": "4 gigs"})

    def run(self):
        pass


def bad():
    tk.register_output("out", Bad().out)
"""


def test_an_amount_that_only_a_task_knows_is_told_in_one_line_too(project):
    project.write_config(BAD_TASK, "mine")
    code, output = project.run("boulder", "run", "config/mine.bad")
    assert code == 1
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "Bad." in line
    assert "'4 gigs': expected gigabytes as a number" in line
    assert "Traceback" not in output
