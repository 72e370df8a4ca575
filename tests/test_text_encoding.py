"""Text files are UTF-8 in any locale."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_text_file_is_opened_with_an_encoding():
    """A preview rule of ruff's; all preview rules would change others."""
    command = [
        Path(sys.executable).parent / "ruff",
        "check",
        "--preview",
        "--select",
        "PLW1514",
        "--output-format=concise",
    ]
    places = ["recipe", "jobs", "embedded", "config", "tools", "settings.py"]
    done = subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
