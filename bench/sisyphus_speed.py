"""Measures Sisyphus's overhead: loading many jobs and determining their states, and running a chain of trivial jobs.

    .venv/bin/python bench/sisyphus_speed.py                                  only embedded/sisyphus
    SISYPHUS_UPSTREAM=/path/to/checkout .venv/bin/python bench/sisyphus_speed.py     and upstream, alternating

Reports wall time, because both wait, and processor time. The runs of a pair alternate, so that other load affects both
alike. A ratio is upstream's wall time divided by ours within a pair.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench.table import heading, ratios, row, shown  # noqa: E402

EMBEDDED = Path(__file__).resolve().parent.parent / "embedded"
UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")
REPEATS = 3

SETTINGS = """
IMPORT_PATHS = ["setups"]
USE_VERBOSE_TRACEBACK = USE_UI = JOB_AUTO_CLEANUP = False
WAIT_PERIOD_JOB_FS_SYNC = WAIT_PERIOD_CACHE = WAIT_PERIOD_JOB_CLEANUP = WAIT_PERIOD_MTIME_OF_INPUTS = 0.1
WAIT_PERIOD_BETWEEN_CHECKS = 1

def engine():
    from sisyphus.localengine import LocalEngine
    return LocalEngine(cpu=2, gpu=0)
"""
CONFIG = """
from sisyphus import Job, Task, tk


class Step(Job):
    def __init__(self, chain, number, before=()):
        self.before = before
        self.out = self.output_var("value")

    def tasks(self):
        yield Task("run", rqmt={"cpu": 1, "mem": 0.1, "time": 1})

    def run(self):
        self.out.set(sum(out.get() for out in self.before) + 1)


def chains(count, length):
    for chain in range(count):
        out = ()
        for number in range(length):
            out = (Step(chain, number, out).out,)
        tk.register_output(f"{chain}", out[0])


def layers(count, width):
    "Each job needs up to ten jobs of the layer before."
    outs = []
    for layer in range(count):
        outs = [Step(layer, number, tuple(outs[number // 10 * 10 :][:10])).out for number in range(width)]
    for number, out in enumerate(outs):
        tk.register_output(f"{number}", out)
"""
FINISH = """
for job in tk.sis_graph.jobs():
    job._sis_setup_directory()
    for name in ("finished", "finished.run.1"):
        open(job._sis_path(name), "w").close()
"""


def sis(folder: Path, upstream: bool, *args: str) -> tuple[float, float]:
    """:return: wall time and processor time in seconds, of all its processes"""
    command = [sys.executable, *([f"{UPSTREAM}/sis"] if upstream else ["-m", "sisyphus"]), *args]
    env = os.environ | {"PYTHONPATH": str(UPSTREAM if upstream else EMBEDDED)}
    with open(folder / "log", "w+") as log:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, _, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = 0  # already waited for; upstream exits with an error when its prompt gets no answer
        log.seek(0)
        text = log.read()
    assert args[0] == "console" or "runnable(" in text or "All calculations are done" in text, text
    return seconds, used.ru_utime + used.ru_stime


def experiment(folder: Path) -> Path:
    for name in ("setups", "work"):
        (folder / name).mkdir(parents=True)
    (folder / "settings.py").write_text(SETTINGS)
    (folder / "setups/bench.py").write_text(CONFIG)
    return folder


def load(function: str, finished: bool) -> Callable[[Path, bool], tuple[float, float]]:
    """:return: a benchmark that loads the config, determines the states of its jobs and prints them"""

    def run(folder: Path, upstream: bool) -> tuple[float, float]:
        if finished and not any(folder.glob("work/*")):
            sis(folder, False, "console", f"setups/bench.{function}", "--script", "-c", FINISH)
        return sis(folder, upstream, "manager", f"setups/bench.{function}")

    return run


def run_chain(folder: Path, upstream: bool) -> tuple[float, float]:
    made = experiment(folder / f"{time.time()}")
    seconds = sis(made, upstream, "manager", "-r", "setups/bench.chains(1,6)")
    assert (made / "output/0").read_text().strip() == "6"
    return seconds


CASES = {
    "1,250 jobs in chains of 10, nothing done": load("chains(125,10)", finished=False),
    "2,500 jobs": load("chains(250,10)", finished=False),
    "5,000 jobs": load("chains(500,10)", finished=False),
    "10,000 jobs": load("chains(1000,10)", finished=False),
    "10,000 jobs in 20 layers, each needs 10": load("layers(20,500)", finished=False),
    "10,000 jobs, all finished": load("chains(1000,10)", finished=True),
    "six trivial jobs, one after the other": run_chain,
}


def main() -> None:
    print(heading("seconds", "processor seconds", *(["upstream: seconds", "ratio"] if UPSTREAM else [])))
    for title, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            made = experiment(Path(folder) / "experiment")
            pairs = [
                [case(made, upstream) for upstream in (False, True)[: 2 if UPSTREAM else 1]] for _ in range(REPEATS)
            ]
        cells = [shown([pair[0][clock] for pair in pairs], ".2f") for clock in (0, 1)]
        if UPSTREAM:
            theirs = [pair[1][0] for pair in pairs]
            cells += [shown(theirs, ".2f"), ratios(theirs, [pair[0][0] for pair in pairs])]
        print(row(title, *cells), flush=True)


if __name__ == "__main__":
    main()
