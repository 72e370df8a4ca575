"""Runs programs in turn, each in a process of its own, and compares what they measure.

A program is a file with a function that makes it ready and returns a function to measure; `serve` makes a process of it. The
processes wait while another one works, and other load of the machine affects all alike: a ratio is that of neighbours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any


class Program:
    """
    A process that measures when asked.

    :param file: its program, which calls `serve`
    :param python: Python that runs it
    :param options: its argument
    :param folder: where it runs; None: here
    :param variables: of its environment, besides those of this process
    """

    def __init__(
        self,
        file: Path,
        python: str,
        options: Mapping[str, Any],
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed with the process)
        env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(variables or {})
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
        self._process = subprocess.Popen(
            [python, str(file), json.dumps(options)], cwd=folder, env=env, text=True, **pipes
        )
        self._answer()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._log.close()

    def measured(self) -> dict[str, Any]:
        """:return: see `serve`"""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise SystemExit(f"{' '.join(self._process.args)}:\n{self._log.read()[-3000:]}")
        found: dict[str, Any] = json.loads(line)
        return found


def serve(ready: Callable[[dict[str, Any]], Callable[[], None]]) -> None:
    """
    The main function of a program. It answers each line of its input with a line of JSON: seconds and processor seconds of one
    call, and the highest memory so far in MB.

    :param ready: options → what is measured; it is called once before
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    work = ready(json.loads(sys.argv[1]))
    work()
    print("{}", file=answers, flush=True)
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
        print(json.dumps(found | {"memory": getrusage(RUSAGE_SELF).ru_maxrss / 1024}), file=answers, flush=True)


def in_turn(
    programs: Mapping[str, tuple[Path, str, Mapping[str, Any]]], repeats: int
) -> dict[str, list[dict[str, float]]]:
    """
    :param programs: name → file, Python and options of `Program`; the option `threads` also limits OpenMP
    :return: name → what it has measured in each round
    """
    with ExitStack() as stack:
        started = {}
        for name, (file, python, options) in programs.items():
            variables = {"OMP_NUM_THREADS": str(options.get("threads", 1))}
            started[name] = stack.enter_context(Program(file, python, options, variables=variables))
        rounds = [{name: program.measured() for name, program in started.items()} for _ in range(repeats)]
    return {name: [found[name] for found in rounds] for name in programs}
