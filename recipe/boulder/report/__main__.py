"""`python -m boulder.report DESCRIPTOR` writes FOLDER/report.html, then FOLDER/report.json, for a manager.

A process of its own, since drawing takes a second: the manager neither waits for it nor imports the library that draws. It imports
this library, waits until its standard input ends, and then reads from an open file: FOLDER, a newline, and the report, JSON.
Nothing there: the manager has ended.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.report import render


def main(descriptor: int) -> None:
    """
    :param descriptor: of the open file. Its report is that of `boulder.report.render`
    """
    os.nice(10)  # trainings on this machine come first
    for library in ("matplotlib.figure", "matplotlib.backends.backend_svg", "jinja2"):
        importlib.import_module(library)
    sys.stdin.read()
    with open(descriptor, encoding="utf-8") as file:
        file.seek(0)
        name, _, text = file.read().partition("\n")
    if not text:
        return
    folder = Path(name)
    os.makedirs(folder, exist_ok=True)
    write_text(folder / "report.html", render({**json.loads(text), "created": time.strftime("%Y-%m-%d %H:%M")}))
    write_text(folder / "report.json", text)  # last: it says what report.html shows


if __name__ == "__main__":
    main(int(sys.argv[1]))
