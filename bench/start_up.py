"""What the first step of a phase waits for: imports, laying out, tracing and the first runs of graphs.

    .venv/bin/python bench/start_up.py [--rounds 5]

Each row is a process of its own, and the processes take turns. Seconds are processor time from the start of the process on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "recipe")]
from bench.table import heading, ratios, row, shown  # noqa: E402

PLAIN = "`import tensorflow`"
IMPORTS = {
    PLAIN: "import tensorflow",
    "TensorFlow as Boulder imports it": "import boulder.with_tensorflow",
    "the imports of a worker: TensorFlow and Boulder": "import boulder.with_tensorflow, boulder.training.trainer",
    "RETURNN's imports": "import returnn.__main__, returnn.tf.engine",
    "laying out `config/g2p.demo`": "import jobs, config.g2p; config.g2p.demo()",
}
BEFORE = {
    "operations in the graph of a step": 2439,
    "tracing the step": 2.0,
    "its first run": 1.5,
    "tracing the evaluation": 1.1,
    "first run of the evaluation": 0.3,
}
"""Of 6 × BLSTM-32, when this was first measured, on another machine. A third is wanted."""


def seconds_of(code: str) -> float:
    """:return: processor seconds of a new process that runs `code`"""
    clock = (
        f"import sys, time; sys.path.insert(0, {str(ROOT)!r})\n{code}\nsys.stdout.write(f'\\n{{time.process_time()}}')"
    )
    return float(_output([sys.executable, "-W", "ignore", "-c", clock]).split()[-1])


def measure_graphs() -> dict[str, float]:
    """:return: value for each key of `BEFORE`"""
    from bench.step_graph import model_and_batch, network, operations
    from boulder.lazy import tf

    tf.config.threading.set_intra_op_parallelism_threads(2)
    model, shares = model_and_batch(network(layers=6, width=32), {})
    found: dict[str, float] = {}
    for traced, first, compiled, function in (
        ("tracing the step", "its first run", model.compiled_step, model.step),
        ("tracing the evaluation", "first run of the evaluation", model.compiled_evaluate, model.evaluate),
    ):
        began = time.process_time()
        concrete = compiled.get_concrete_function()
        found[traced] = time.process_time() - began
        began = time.process_time()
        function(shares, 0)
        found[first] = time.process_time() - began
        found.setdefault(
            "operations in the graph of a step", sum(o.type != "Const" for o, _ in operations(concrete.graph))
        )
    return found


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command}:\n{done.stderr[-3000:]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(heading("measured", f"of {PLAIN}", "before, on another machine", "wanted"))
    imports: dict[str, list[float]] = {label: [] for label in IMPORTS}
    graphs: dict[str, list[float]] = {label: [] for label in BEFORE}
    for _ in range(rounds):
        for label, code in IMPORTS.items():
            imports[label].append(seconds_of(code))
        for label, value in json.loads(_output([sys.executable, __file__, "graphs"]).splitlines()[-1]).items():
            graphs[label].append(value)
    for label, seconds in imports.items():
        wanted = "≤ 0.33" if label.startswith("TensorFlow") else ""
        print(row(label, f"{shown(seconds)} s", ratios(seconds, imports[PLAIN]), "", wanted))
    for label, values in graphs.items():
        is_count = isinstance(BEFORE[label], int)
        measured = f"{values[0]:,.0f}" if is_count else f"{shown(values)} s"
        unit = "" if is_count else " s"
        print(
            row(f"6 × BLSTM-32: {label}", measured, "", f"{BEFORE[label]:,}{unit}", f"≤ {BEFORE[label] / 3:.3g}{unit}")
        )


if __name__ == "__main__":
    print(json.dumps(measure_graphs())) if sys.argv[1:] == ["graphs"] else main()
