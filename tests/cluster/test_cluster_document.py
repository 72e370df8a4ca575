"""The commands of docs/cluster.md, from the first to the last, on a real Slurm."""

import os
import pwd
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.conftest import ROOT

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
DOCUMENT = (ROOT / "docs/cluster.md").read_text()
UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus
USER = pwd.getpwuid(os.getuid()).pw_name
SMALLER = {
    "num_words=20_000": "num_words=300",
    "layers=3, width=80": "layers=1, width=8",
    "num_epochs=8": "num_epochs=3",
}


def commands(text: str) -> list[str]:
    """:return: indented lines outside code blocks"""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def without_installation() -> list[str]:
    clone, make, install, *others = commands(DOCUMENT)
    assert clone == "git clone https://github.com/rwth-i6/sisyphus"
    assert re.search(rf"^{make.split()[-1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert install == ".venv/bin/python -m pip install ./sisyphus"
    return others


@pytest.fixture
def folder(tmp_path):
    """A user's folder with a smaller experiment."""
    (tmp_path / "config").mkdir()
    text = (ROOT / "config/g2p.py").read_text()
    for what, small in SMALLER.items():
        assert what in text
        text = text.replace(what, small)
    (tmp_path / "config/g2p.py").write_text(text)
    (tmp_path / "settings.py").symlink_to(ROOT / "settings.py")
    return tmp_path


def run(lines: list[str], folder: Path, slurm) -> str:
    """Runs the lines until one fails. :return: their output"""
    script = "\n".join(["set -ex", *lines]).replace("/scratch/", f"{folder}/scratch/")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=os.environ | slurm.own | {"USER": USER, "COLUMNS": "200", "TERM": "dumb"},
        input="c\n" * 100,  # upstream's manager asks how to continue when nothing is left to do
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + slurm.logs()
    return done.stdout


def check(output: str, folder: Path, slurm) -> None:
    *_, last = output.split("+ .venv/bin/boulder run config/g2p.demo\n")
    finished, jobs = re.search(r"(\d+) of (\d+) jobs are finished already", last).groups()
    assert finished == jobs
    assert (folder / "scratch" / USER / "elsewhere/jobs").is_dir()
    training = [job for job in slurm.jobs(folder) if "PhaseTrainingJob" in job["JobName"]]
    assert len(training) == 4  # two phases, one of them twice, and the further epochs
    assert {job["Partition"] for job in training} == {"all"}
    assert (folder / "output/g2p.demo/report.html").exists()


def test_every_command_of_the_document_works(folder, slurm):
    (folder / ".venv").symlink_to(sys.prefix)
    check(run(without_installation(), folder, slurm), folder, slurm)


@pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus")
def test_every_command_of_the_document_works_under_upstream_sisyphus(folder, slurm, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    make_venv(folder / ".venv")
    clone, _, install, *others = commands(DOCUMENT)
    output = run(
        [clone.replace("https://github.com/rwth-i6/sisyphus", f"{UPSTREAM} sisyphus"), install, *others], folder, slurm
    )
    assert (folder / ".venv/bin/sis").read_text() != (Path(sys.prefix) / "bin/sis").read_text()
    check(output, folder, slurm)


def make_venv(folder: Path) -> None:
    """Creates an environment with the packages of this one, into which more can be installed."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    mine = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "mine.pth").write_text(f"import site; site.addsitedir({mine!r})\n")
    for name in ("boulder", "sis"):
        text = (Path(sys.prefix) / "bin" / name).read_text()
        (folder / "bin" / name).write_text(text.replace(sys.prefix, str(folder)))
        (folder / "bin" / name).chmod(0o755)
