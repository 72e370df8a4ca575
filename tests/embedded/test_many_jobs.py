"""Work grows linearly with the number of jobs. It is counted in function calls, independent of the machine's load."""

import resource
import subprocess
import sys

import pytest

from bench.sisyphus_speed import CONFIG, FINISH

COUNT = """
import cProfile, logging, os, pstats, sys
from sisyphus import tk
from sisyphus.loader import config_manager
from sisyphus.manager import Manager

def load_and_judge():
    tk._sis_running_in_manager = True
    config_manager.load_configs(sys.argv[1:])
    manager = Manager(tk.sis_graph, tk.cached_engine(), start_computations=True)
    manager.print_state_overview()
    manager.update_jobs()
    manager.check_output(write_output=True)

import setups.bench, traceback, pprint  # imports are not counted
profile = cProfile.Profile()
profile.runcall(load_and_judge)
print(len(tk.sis_graph.jobs()), pstats.Stats(profile).total_calls)
"""


@pytest.fixture
def many(experiment):
    (experiment.directory / "setups/bench.py").write_text(CONFIG)
    return experiment


def calls(experiment, function):
    """:return: number of jobs, number of calls per job"""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, f"setups/bench.{function}"],
        cwd=experiment.directory,
        env=experiment.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    jobs, total = map(int, done.stdout.split())
    return jobs, total / jobs


SHAPES = ["chains({0},10)", "chains(1,{0}0)", "chains({0}0,1)", "layers({0},10)", "layers(10,{0})"]


@pytest.mark.parametrize(("shape", "finished"), [*((shape, False) for shape in SHAPES), (SHAPES[0], True)])
def test_a_job_among_many_costs_as_much_as_one_among_few(many, shape, finished):
    cost = {}
    for size in (10, 50):
        function = shape.format(size)
        if finished:
            done = many.run("console", f"setups/bench.{function}", "--script", "-c", FINISH)
            assert done.returncode == 0, done.output
        jobs, cost[size] = calls(many, function)
        assert jobs == 10 * size
    assert cost[50] < 1.1 * cost[10]


def test_ten_thousand_jobs_take_five_cpu_seconds_to_load_and_judge(many):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = many.manager("setups/bench.chains(1000,10)", timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "runnable(1000) waiting(9000)" in done.output
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5
