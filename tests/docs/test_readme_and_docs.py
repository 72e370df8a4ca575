"""README.md and docs/ agree with the code. (.ci/run runs the README's first two commands in a clean clone.)"""

import dataclasses
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jobs  # noqa: F401 (finds Sisyphus)

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXPERIMENT = (ROOT / "docs/experiment.md").read_text()


def commands(text: str) -> list[str]:
    """:return: indented lines that are commands"""
    lines = [line.strip().split("  #")[0].strip() for line in text.splitlines() if line.startswith("    ")]
    return [line for line in lines if line.startswith(("make ", ".venv/bin/"))]


@pytest.mark.parametrize(
    "command", sorted({tuple(line.split()[:2]) for line in commands(README) + commands(EXPERIMENT)})
)
def test_every_command_of_the_documents_exists(command):
    program, argument = command
    if program == "make":
        assert re.search(rf"^{argument}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    run = [Path(sys.executable).parent / Path(program).name, argument, "--help"]
    if program.endswith("tensorboard"):
        run = [run[0], "--help"]
    assert subprocess.run(run, capture_output=True, cwd=ROOT, check=False).returncode == 0


def test_links_lead_somewhere():
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert link.startswith("https://github.com/") or (document.parent / link).exists(), (document, link)


def test_the_phase_table_of_the_readme_is_the_demos():
    """`python -m tests.docs.test_readme_and_docs` updates it."""
    assert demo_phase_table() in README


@pytest.fixture
def frames(tmp_path):
    """A user's folder, with the documents' experiments in config/ and data that fits them."""
    import numpy as np

    from boulder.data import HdfWriter

    (tmp_path / "config").mkdir()
    (tmp_path / "data").mkdir()
    # The same experiments with fewer epochs, narrow layers and fewer jobs.
    smaller = {
        "rqmt=": "indices_per_job=None, rqmt=",
        "(64, 96)[idx]": "(4, 6)[idx]",
        "width=128": "width=8",
        "num_epochs=12": "num_epochs=5",
        "num_epochs=20": "num_epochs=3",
        '"repetitions": 2': '"repetitions": 1',
        '"default": 2': '"default": 1',
        "errors[-3]": "errors[-2]",
    }
    for code in re.findall(r"```python\n(.*?)```", EXPERIMENT, re.DOTALL):
        for text, small in smaller.items():
            code = code.replace(text, small)
        if named := re.search(r"boulder run (config/\w+\.py)", code):  # an excerpt names no file
            (tmp_path / named[1]).write_text(code)
    (tmp_path / "settings.py").symlink_to(ROOT / "settings.py")
    random = np.random.default_rng(0)
    for name in ("train", "dev"):
        streams = {"data": {"dim": 40}, "classes": {"dim": 42, "sparse": True}}
        with HdfWriter(tmp_path / f"data/{name}.hdf", streams) as writer:
            for i in range(12):
                length = int(random.integers(3, 9))
                features = random.normal(size=(length, 40)).astype("float32")
                writer.write(
                    f"{name}{i}", {"data": features, "classes": random.integers(0, 42, length).astype("int32")}
                )
    return tmp_path


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("frames", "epoch 5 (original"),
        pytest.param("frames_adaptive", "epoch 3 (index", marks=pytest.mark.slow),
        pytest.param("frames_aligned", "epoch 3 (original", marks=pytest.mark.slow),
    ],
)
def test_the_experiments_of_the_documents_train(frames, name, told):
    command = [Path(sys.executable).parent / "boulder", "run", f"config/{name}.py"]
    run = subprocess.run(command, cwd=frames, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (frames / f"output/{name}/checkpoint.h5").exists()
    assert told in run.stdout


def table(text: str, heading: str) -> list[list[str]]:
    rows = text[text.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def section_table(section: str, heading: str) -> list[list[str]]:
    return table(EXPERIMENT[EXPERIMENT.index(section) :], heading)


def test_the_table_of_options_is_complete_and_its_defaults_are_right():
    from boulder.training import TrainingOptions
    from boulder.training.keep import KEEP_KEYS
    from boulder.training.learning_rate import learning_rate_keys

    told = {name.strip("`"): default.strip("`") for name, default, _ in section_table("## Options", "| option |")}
    for field in dataclasses.fields(TrainingOptions):
        default = getattr(TrainingOptions(), field.name)
        text = f"{default:g}" if isinstance(default, float) else repr(default).replace("'", '"')
        assert told.pop(field.name) == text
    assert sorted(told) == sorted([*learning_rate_keys(), *KEEP_KEYS])


def test_the_table_of_optimizers_is_complete_and_its_options_exist():
    from boulder.training.optimizer import OPTIMIZERS

    told = {}
    for names, options, *_ in section_table("### Optimizers", "| optimizer |"):
        told |= dict.fromkeys(re.findall(r"`(\w+)`", names), re.findall(r"`(\w+)`\*? \(", options))
    assert sorted(told) == sorted(OPTIMIZERS)
    for name, options in told.items():
        assert set(options) <= set(OPTIMIZERS[name].options), name


def test_the_tables_of_keys_and_modes_are_complete():
    from boulder.schedule import COPY_PARAM_MODES
    from boulder.schedule.hash_keys import GROWTH_KEYS, HASH_KEYS, NOTES

    assert {name.strip("`"): meaning for name, meaning in table(EXPERIMENT, "| copy_param_mode |")} == COPY_PARAM_MODES
    keys = {name.strip("`") for name, _ in table(EXPERIMENT, "| key |")}
    assert set(GROWTH_KEYS) <= keys
    assert keys == set(HASH_KEYS) - set(NOTES) - {"#repetition"}


def demo_phase_table() -> str:
    """:return: the table that `boulder run config/g2p.demo` prints, indented as a block of code"""
    from rich.console import Console

    from boulder.report import phase_table
    from config.g2p import demo
    from jobs.pipeline import laid_out_pipelines

    demo()
    console = Console(file=io.StringIO(), width=100, color_system=None)
    phase_table(laid_out_pipelines()["g2p.demo"].rows, console)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return "\n".join(f"    {line}".rstrip() for line in lines if line.strip())


if __name__ == "__main__":
    os.chdir(ROOT)
    begin, end = README.index("<!-- demo: phase table -->"), README.index("then a line for each epoch")
    table_text = f"<!-- demo: phase table -->\n\n{demo_phase_table()}\n\n"
    (ROOT / "README.md").write_text(README[:begin] + table_text + README[end:])
