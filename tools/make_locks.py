"""Writes lock/*.txt: the dependencies of pyproject.toml with versions and hashes. `make lock` calls it.

    .venv/bin/python tools/make_locks.py              keeps versions that still satisfy pyproject.toml
    .venv/bin/python tools/make_locks.py --upgrade    takes the newest versions

The files name no registry and work for Python 3.11 to 3.13: versions are chosen for 3.11, hashes cover all files.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "cpu": ["--extra=cpu", "--extra=demo", "--extra=test", "pyproject.toml"],
    "gpu": ["--extra=gpu", "--extra=demo", "--extra=test", "pyproject.toml"],
    "parity": ["--extra=cpu", "--extra=parity", "--extra=demo", "--extra=test", "pyproject.toml"],
    "build": ["--group=build"],
    "uv": ["--group=uv"],
}
OPTIONS = [
    "--python-version=3.11", "--python-platform=x86_64-manylinux_2_28", "--generate-hashes", "--no-emit-index-url",
    "--no-header", "--quiet",
]  # fmt: skip


def main(arguments):
    with tempfile.TemporaryDirectory(prefix="boulder-uv.") as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder]
        run([*pip, "--require-hashes", "-r", "lock/uv.txt"])
        for name, wanted in LOCKS.items():
            path = f"lock/{name}.txt"
            print(path, flush=True)
            run([f"{folder}/bin/uv", "pip", "compile", *OPTIONS, *arguments, *wanted, "--output-file", path])


def run(command):
    code = subprocess.call(command, cwd=ROOT)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
