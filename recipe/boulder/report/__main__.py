"""`python -m boulder.report FOLDER < report.json` writes FOLDER/report.html, then FOLDER/report.json, for a manager.

A process of its own, since drawing takes a second: the manager neither waits for it nor imports the library that draws.
"""

import json
import os
import sys
import time
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.report import render


def main(folder: Path, text: str) -> None:
    """
    :param text: JSON of a report, see `boulder.report.render`
    """
    os.nice(10)  # trainings on this machine come first
    os.makedirs(folder, exist_ok=True)
    write_text(folder / "report.html", render({**json.loads(text), "created": time.strftime("%Y-%m-%d %H:%M")}))
    write_text(folder / "report.json", text)  # last: it says what report.html shows


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.stdin.read())
