"""The whole run of the demo, from the command to the report, and the memory of its workers: `.venv/bin/python bench/demo.py`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from ast import literal_eval
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
from bench.table import heading, row, shown  # noqa: E402


def run(folder: Path) -> tuple[float, float]:
    """:return: seconds; the highest memory of a worker in MB"""
    (folder / "config").symlink_to(ROOT / "config")
    (folder / "settings.py").symlink_to(ROOT / "settings.py")
    start = time.perf_counter()
    command = [str(Path(sys.executable).parent / "boulder"), "run", "config/g2p.demo"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    usages = (literal_eval(path.read_text()) for path in folder.glob("work/jobs/phase_training/*/usage.run.1"))
    return seconds, max(usage["max"]["rss"] for usage in usages) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="The whole run of the demo.")
    parser.add_argument("--rounds", type=int, default=2)
    runs = []
    print(heading("seconds", "largest worker, MB", "wanted"))
    for _ in range(parser.parse_args().rounds):
        with tempfile.TemporaryDirectory(prefix="boulder-bench.") as folder:
            runs.append(run(Path(folder)))
    seconds, memory = zip(*runs, strict=True)
    print(row("`boulder run config/g2p.demo`", shown(seconds), shown(memory, ".0f"), "≤ 700 MB"))


if __name__ == "__main__":
    main()
