"""A program can run configs without questions and list unfinished jobs, with the same names in both Sisyphuses."""

import ast
import os
import subprocess
import sys

import pytest

UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")

PROGRAM = """
import asyncio, sys
asyncio.set_event_loop(asyncio.new_event_loop())
from sisyphus import gs, toolkit
from sisyphus.loader import config_manager
from sisyphus.manager import Manager

class Unasked(Manager):
    def input(self, prompt):
        return "u" if prompt.startswith("All calculations") else "n"

toolkit._sis_running_in_manager = True
config_manager.load_configs(sys.argv[1:])
engine = toolkit.cached_engine()
engine.start_engine()
manager = Unasked(sis_graph=toolkit.sis_graph, job_engine=engine, link_outputs=True, start_computations=True)
manager.unpause()
try:
    manager.run()
finally:
    if manager.job_cleaner:
        manager.job_cleaner.close()
    engine.stop_engine()
left = toolkit.sis_graph.get_jobs_by_status(engine=engine, skip_finished=True)
print({state: len(jobs) for state, jobs in left.items() if state != gs.STATE_INPUT_PATH})
"""


@pytest.mark.parametrize(
    "upstream",
    [False, pytest.param(True, marks=pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout"))],
)
def test_a_program_can_list_unfinished_jobs(experiment, upstream):
    experiment.config(
        "def py():\n"
        "    tk.register_output('good', Step(3, Step(0).out).out)\n"
        "def bad():\n"
        "    tk.register_output('bad', Step(2, Failing(1).out).out)"
    )
    worker = experiment.command(upstream=upstream)

    def run(config):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, config],
            cwd=experiment.directory,
            env=experiment.environment(upstream, SIS_SIS_COMMAND=repr(worker)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ast.literal_eval(done.stdout.splitlines()[-1])

    assert run("setups/config.py") == {}
    assert experiment.value("good") == "3"
    (experiment.directory / "output/good").unlink()
    assert run("setups/config.py") == {}
    assert experiment.value("good") == "3"  # linked again, nothing run
    assert experiment.notes("ran") == ["0", "3"]
    assert run("setups/config.bad") == {"error": 1, "waiting": 1}
