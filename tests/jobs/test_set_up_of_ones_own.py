"""`train_returnn` in a Sisyphus set-up of a user: upstream Sisyphus, and Boulder's wheel in the environment."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.jobs.conftest import ROOT, UPSTREAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus"),
]
SET_UP = Path(__file__).with_name("set_up")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """:return: Python of an environment with the wheel, upstream Sisyphus and the libraries, but not Boulder's checkout"""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    libraries = next(entry for entry in sys.path if entry.endswith("site-packages"))
    (packages / "libraries.pth").write_text(
        f"{UPSTREAM}\n{libraries}\n"
    )  # the .pth file of the checkout has no effect there
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    where = run(
        python,
        "-c",
        "import boulder, jobs, sisyphus; print(boulder.__file__, jobs.__file__, sisyphus.__file__)",
        cwd=folder,
    )
    assert [Path(file).is_relative_to(folder) for file in where.splitlines()[-1].split()] == [True, True, False]
    return python


def run(*command, cwd=None):
    """:return: output"""
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=300, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_it_trains_there(python, tmp_path):
    folder = tmp_path / "set_up"
    shutil.copytree(SET_UP, folder)
    (folder / "work").mkdir()
    run(python, Path(UPSTREAM, "sis"), "manager", "-r", "config/main.py", cwd=folder)
    assert "max_seqs = 10" in (folder / "output/train/returnn.config").read_text()
    assert "4: EpochData(" in (folder / "output/train/learning_rates").read_text()
    assert (folder / "output/train/scores.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "output/train/epoch.001.h5").stat().st_size > 1000
    checkpoint = (folder / "output/train/checkpoint.h5").read_bytes()
    jobs = {path.name for path in (folder / "work/jobs/phase_training").iterdir()}
    assert {path.name for path in (folder / "alias/train").iterdir()} == {"phase.00", "phase.01"}

    # neither a longer log nor another epoch runs the first phase again
    config = (folder / "config/main.py").read_text()
    (folder / "config/main.py").write_text(config.replace("verbosity=3", "verbosity=5").replace("width=6", "width=7"))
    run(python, Path(UPSTREAM, "sis"), "manager", "-r", "config/main.py", cwd=folder)
    more = {path.name for path in (folder / "work/jobs/phase_training").iterdir()}
    assert (len(jobs), len(more)) == (2, 3)
    assert (folder / "output/train/checkpoint.h5").read_bytes() != checkpoint
