"""config/prompts.py: the lay-out needs neither apt nor recordings, and the network grows while its time reduction is relaxed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.network import describe
from boulder.schedule import plan
from boulder.speech import LANGUAGES
from config.prompts import Stage, construction_algo, network
from tests.speech.made_packages import write_packages

ROOT = Path(__file__).parents[2]
BOULDER = Path(sys.executable).parent / "boulder"
STAGES = [
    Stage(blocks=1, reduction=4, dropout=0.1, masking=0.0, epochs=1),
    Stage(blocks=2, reduction=3, dropout=0.1, masking=0.1, epochs=2),
    Stage(blocks=3, reduction=2, dropout=0.2, masking=0.1),
]
EXTERN_DATA = {"data": {"dim": 40}, "classes": {"dim": 28, "sparse": True}}


@pytest.fixture
def folder(tmp_path):
    """A user's folder."""
    for name in ("settings.py", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def boulder(folder, *command, **options):
    return subprocess.run([BOULDER, *command], cwd=folder, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("function", ["demo", "py", "tts"])
def test_laying_out_needs_no_recordings_no_apt_and_no_tensorflow(tmp_path, function):
    code = (
        "import sys, jobs; from config import prompts;"
        f"prompts.{function}();"
        "from jobs.pipeline import laid_out_pipelines;"
        "print(*laid_out_pipelines(), 'tensorflow' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": ""},
    )
    assert run.stdout.split()[-2:] == [
        {"demo": "prompts.demo", "py": "prompts", "tts": "prompts.tts"}[function],
        "False",
    ], run.stderr


def test_each_index_has_more_blocks_that_see_more_frames_and_all_fit_together():
    net = network(STAGES[-1], width=8)
    phases = plan(net, {"construction_algo": construction_algo(STAGES, width=8)}, 6).phases
    assert [phase.epochs for phase in phases] == [range(1, 2), range(2, 4), range(4, 7)]
    assert [phase.network["reduced"]["pool_size"] for phase in phases] == [[4], [3], [2]]
    params = [set(describe(phase.network, EXTERN_DATA).params) for phase in phases]
    assert params[0] < params[1] < params[2]
    assert describe(net, EXTERN_DATA).layers["output"].template.dim == 29


def with_short_training(folder: Path) -> None:
    """Puts into `folder` a config/prompts.py whose demo trains a narrow network for 8 epochs."""
    text = (ROOT / "config/prompts.py").read_text()
    text = re.sub(r"epochs=\d+\),", "epochs=1),", text).replace("width=DEMO_WIDTH", "width=32")
    text = text.replace("learning_rates=DEMO_RATES", "learning_rates=[0.002] * 8")
    (folder / "config").unlink()
    (folder / "config").mkdir()
    (folder / "config/prompts.py").write_text(text)


@pytest.mark.slow
def test_the_demo_runs_on_recordings_of_a_folder(folder):
    words = ["activate", "dial", "four", "hello", "pound", "press", "star", "thanks", "one", "two", "number", "please"]
    texts = {f"{first}-{second}": f"{first} {second}." for first in words for second in words}
    write_packages(folder / "packages", texts=texts)
    with_short_training(folder)
    run = boulder(folder, "run", "config/prompts.demo('packages')")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "CER" in (folder / "output/prompts.demo/error_rates.txt").read_text()
    report = (folder / "output/prompts.demo/report.html").read_text()
    assert "character error rate" in report
    assert 'id="recordings"' in report


@pytest.mark.slow
def test_the_demo_learns_from_the_packages_of_debian(folder):
    """Needs apt-get with package lists, and a mirror. A network that has learnt nothing has a CER of 100 %."""
    packages = [f"asterisk-core-sounds-{code}" for code in LANGUAGES]
    if subprocess.run(["apt-get", "download", "--print-uris", *packages], capture_output=True, check=False).returncode:
        pytest.skip("apt-get does not know the packages")
    with_short_training(folder)
    run = boulder(folder, "run", "config/prompts.demo")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "548 recordings; left out: 0 without a text, 20 whose" in "".join(
        path.read_text() for path in folder.glob("work/jobs/prompt_transcripts/*/log.run.1")
    )
    rates = (folder / "output/prompts.demo/error_rates.txt").read_text()
    assert float(rates.split("CER ")[1].split("%")[0]) < 80
