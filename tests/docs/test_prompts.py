"""docs/prompts.md: its config for one's own recordings trains, and its numbers are those of config/prompts.py."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.speech.made_packages import write_wav

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/prompts.md").read_text()
BOULDER = Path(sys.executable).parent / "boulder"


@pytest.fixture
def folder(tmp_path):
    """A user's folder, with the document's config and made-up recordings."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "settings.py").symlink_to(ROOT / "settings.py")
    (tmp_path / "config").mkdir()
    name = re.search(r"boulder run (config/\w+\.py)", code)[1]
    assert f"\n    boulder run {name}\n" in DOCUMENT
    (tmp_path / name).write_text(
        code.replace("128", "8")
        .replace("num_epochs=60", "num_epochs=5")
        .replace('"repetitions": 5', '"repetitions": 1')
    )
    words = ["one", "two", "three", "four", "it's", "five"]
    texts = {f"{first}-{second}/{turn}": f"{first} {second}" for first in words for second in words for turn in "01"}
    for recording, text in texts.items():
        write_wav(tmp_path / f"data/recordings/{recording}.wav", text)
    for part, turn in (("train", "0"), ("dev", "1")):
        lines = [f"{recording}\t{text}\n" for recording, text in texts.items() if recording.endswith(turn)]
        (tmp_path / f"data/{part}.txt").write_text("".join(lines))
    return tmp_path


def run(folder, *command):
    return subprocess.run(
        [BOULDER, *command], cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_the_config_trains_on_recordings_and_transcripts(folder):
    done = run(folder, "run", "config/recordings.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "output/recordings/checkpoint.h5").exists()


@pytest.mark.slow
def test_a_character_that_is_not_declared_is_an_error_that_names_it_and_the_recording(folder):
    with open(folder / "data/train.txt", "a") as file:
        file.write("one-one/1\tça\n")
    done = run(folder, "run", "config/recordings.py")
    assert done.returncode != 0
    assert "'ç'" in done.stdout + done.stderr
    assert "one-one/1" in done.stdout + done.stderr
