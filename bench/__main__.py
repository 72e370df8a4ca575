"""Runs benchmarks one after the other and writes their tables into bench/README.md. `make bench` calls it.

    .venv/bin/python bench [PROGRAM ...]      for example `phases hand_over`; default: all

The machine should do nothing else meanwhile. A program that fails leaves its old table.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
README = BENCH / "README.md"


def sections() -> list[str]:
    """:return: the programs whose tables README.md holds, between two comments each"""
    return re.findall(r"<!-- table of (\w+)\.py -->", README.read_text(encoding="utf-8"))


def write_table(program: str, table: str) -> None:
    begin, end = f"<!-- table of {program}.py -->\n", "<!-- end -->"
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    README.write_text(f"{before}{begin}{table}\n{end}{after}", encoding="utf-8")


def main(programs: list[str]) -> int:
    known, failed = sections(), []
    # Boulder's code has bytecode, as has that of installed packages, with which it is compared
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for program in programs or known:
        if program not in known:
            sys.exit(f"there is no table of {program!r} in {README}, expected one of {', '.join(known)}")
        print(f"== {program}", flush=True)
        command = [sys.executable, str(BENCH / f"{program}.py")]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout)
        if done.returncode:
            failed.append(program)
        else:
            start = done.stdout.index("Median (")  # what comes before is progress
            write_table(program, done.stdout[start:].strip() + "\n")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
