"""settings.py has the same effect with the embedded Sisyphus and with upstream."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.conftest import use_sisyphus

SHOW = """
import json, sys
import jobs
from sisyphus import gs, toolkit
names = ("SIS_COMMAND", "IMPORT_PATHS", "DEFAULT_ENVIRONMENT_KEEP", "DEFAULT_ENVIRONMENT_SET", "MAX_SUBMIT_RETRIES")
found = {name: sorted(value) if isinstance(value := getattr(gs, name), set) else value for name in names}
engine = toolkit.cached_engine()
found["engines"] = {name: type(engine.get_used_engine(name)).__name__ for name in ("short", "long")}
found["sisyphus"] = gs.__file__
print(json.dumps(found))
"""


@pytest.fixture(params=["embedded", "upstream"])
def shown(request, project, tmp_path, monkeypatch):
    """The settings in a process started by another program."""
    use_sisyphus(request.param, tmp_path, monkeypatch)

    def show(**variables):
        variables = {"BOULDER_ENGINE": "", **variables}
        done = subprocess.run(
            [sys.executable, "-c", SHOW],
            cwd=project.folder,
            env=os.environ | variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        assert ("embedded" in Path(found["sisyphus"]).parts[-3:]) == (request.param == "embedded")
        return found

    return show


def test_workers_are_called_and_import_by_absolute_paths(shown):
    settings = shown(BOULDER_ENGINE="local")
    assert settings["SIS_COMMAND"] == [sys.executable, str(Path(sys.prefix) / "bin/sis")]
    assert all(os.path.isabs(path) for path in settings["IMPORT_PATHS"])
    assert settings["MAX_SUBMIT_RETRIES"] > 3


def test_workers_keep_only_variables_that_clusters_and_cuda_need(shown):
    settings = shown(BOULDER_ENGINE="local", SLURM_JOB_ID="1", SLURM_SOMETHING="2", SGE_TASK_ID="3", SECRET="4")
    kept = set(settings["DEFAULT_ENVIRONMENT_KEEP"])
    assert {"SLURM_JOB_ID", "SLURM_SOMETHING", "SLURM_CONF", "SGE_TASK_ID", "JOB_ID", "PE_HOSTFILE"} <= kept
    assert {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "PATH", "HOME"} <= kept
    assert "SECRET" not in kept
    assert "OMP_NUM_THREADS" not in settings["DEFAULT_ENVIRONMENT_SET"]  # upstream's default is one thread for all


@pytest.mark.parametrize(
    ("variables", "engine"),
    [
        ({"SLURM_JOB_ID": "1"}, "SimpleLinuxUtilityForResourceManagementEngine"),
        ({"SGE_TASK_ID": "1"}, "SonOfGridEngine"),
        ({"BOULDER_ENGINE": "local", "SLURM_JOB_ID": "1"}, "LocalEngine"),
    ],
)
def test_the_environment_of_a_worker_decides_its_engine_and_mini_tasks_run_here(shown, variables, engine):
    engines = shown(**variables)["engines"]
    assert engines.pop("short") in ("LocalEngine", "RefusingEngine")
    assert engines.pop("long").replace("Refusing", "Local") == engine
    assert not engines


@pytest.mark.long
def test_tensorflow_gets_as_many_threads_as_the_job_has_cores():
    program = """
from jobs.rqmt import limit_threads
limit_threads({"cpu": 3})
import tensorflow as tf
tf.constant(1) + 1
print(tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.split() == ["3", "3"], done.stderr


def test_the_same_job_with_other_requirements_gives_a_warning(project):
    project.write_config(
        (project.folder / "config/tiny.py").read_text()
        + "\n\ndef twice():\n    experiment()\n    experiment(name='again')\n"
        + "\n\ndef other():\n    experiment()\n    globals()['CONFIG_RQMT'] = {'cpu': 1, 'mem': 3}\n    experiment(name='again')\n"
    )
    text = (project.folder / "config/tiny.py").read_text()
    asks = 'rqmt={"cpu": 1, "mem": 1}'
    assert asks in text
    project.write_config("CONFIG_RQMT = {'cpu': 1, 'mem': 1}\n" + text.replace(asks, "rqmt=CONFIG_RQMT"))
    _, output = project.run("boulder", "plan", "config/tiny.twice")
    assert "laid out twice" not in output
    _, output = project.run("boulder", "plan", "config/tiny.other")
    told = [line for line in output.splitlines() if "laid out twice" in line]
    assert len(told) == 3  # phases
    assert "again/phase.00 is laid out twice, with different requirements: the first {'mem': 1} apply" in told[0]
    assert ast.literal_eval(told[0].rpartition("not ")[2]) == {"mem": 3}
