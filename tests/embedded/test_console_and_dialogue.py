"""Interactive use: the questions of `sis manager` at a terminal, and the functions of the console."""

import importlib.util
import os
import pty
import subprocess

import pytest

CONFIG = "def py():\n    tk.register_output('sum', Step(2, Step(1).out).out)"


def at_terminal(experiment, answers, *args, command="manager"):
    """Runs the manager at a terminal and types an answer to each question; returns the text on the terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        experiment.command(command, *args),
        cwd=experiment.directory,
        env=experiment.environment(),
        stdin=its,
        stdout=its,
        stderr=its,
    )
    experiment.started.append(process)
    os.close(its)
    text = ""
    for question, answer in answers:
        seen = ""
        while question not in seen:
            seen += os.read(ours, 4096).decode()
        text += seen
        os.write(ours, f"{answer}\n".encode())
    while True:
        try:
            new = os.read(ours, 4096).decode()
        except OSError:  # the other side is closed
            break
        if not new:
            break
        text += new
    process.wait(10)
    os.close(ours)
    return text


def test_manager_asks_before_it_starts(experiment):
    experiment.config(CONFIG)
    text = at_terminal(experiment, [("or exit (n)? ", "v"), ("or exit (n)? ", "n")], "setups/config.py")
    assert "waiting: Job<" in text
    assert experiment.notes("ran") == []
    at_terminal(experiment, [("or exit (n)? ", "y")], "setups/config.py")
    assert experiment.value("sum") == "3"
    text = at_terminal(experiment, [("All calculations are done", "v")], "setups/config.py")
    assert "finished(2)" in text


def test_manager_asks_before_it_clears_errors(experiment):
    experiment.config("def py():\n    tk.register_output('out', Failing(1).out)")
    experiment.manager("-r", "setups/config.py")
    (experiment.directory / "mended").touch()
    at_terminal(experiment, [("Clear jobs in error state? [y/N]", "y")], "-r", "setups/config.py")
    assert experiment.value("out") == "1"


def test_interactive_manager_asks_before_each_job(experiment):
    experiment.config(CONFIG)
    questions = [("Submit job", "y"), ("Submit job", "y")]
    at_terminal(experiment, questions, "-r", "-i", "setups/config.py")
    assert experiment.notes("ran") == ["1", "2"]


@pytest.mark.skipif(importlib.util.find_spec("IPython") is not None, reason="it would be IPython's console")
def test_console_is_a_python_shell_with_the_graph_loaded(experiment):
    experiment.config(CONFIG)
    typed = [(">>> ", "print(config_files, len(tk.sis_graph.jobs()) * 111, before)"), (">>> ", "exit()")]
    text = at_terminal(experiment, typed, "setups/config.py", "-c", "before = 'so'", command="console")
    assert "['setups/config.py'] 222 so" in text


def console(experiment, *commands, config="setups/config.py", **variables):
    done = experiment.run("console", config, "--script", *[a for c in commands for a in ("-c", c)], **variables)
    assert done.returncode == 0, done.output
    return [line for line in done.output.splitlines() if not line.startswith("[")]


@pytest.mark.parametrize("mode", ["symlink", "copy", "hardlink"])
def test_console_finds_and_imports_jobs(experiment, mode):
    experiment.config(CONFIG)
    assert console(experiment, "print(len(tk.find_job('Step')), len(tk.sis_graph.jobs()))") == ["2 2"]
    experiment.manager("-r", "setups/config.py")
    assert experiment.notes("ran") == ["1", "2"]

    console(experiment, "tk.import_work_directory('work')", SIS_WORK_DIR="other")  # a dry run
    assert not (experiment.directory / "other").exists()
    console(experiment, f"tk.import_work_directory('work', mode={mode!r})", SIS_WORK_DIR="other")
    assert experiment.manager("-r", "setups/config.py", SIS_WORK_DIR="other").returncode == 0
    assert experiment.notes("ran") == ["1", "2"]
    taken = [value.parents[1] for value in experiment.directory.glob("other/setups/jobs/*/output/value")]
    assert [job.is_symlink() for job in taken] == [mode == "symlink"] * 2
    assert {(job / "output/value").stat().st_nlink for job in taken} == ({2} if mode == "hardlink" else {1})


def test_removing_a_job_removes_what_depends_on_it(experiment):
    experiment.config(CONFIG)
    experiment.manager("-r", "setups/config.py")
    shown = console(experiment, "tk.remove_job_and_descendants(list(tk.sis_graph.jobs_sorted())[0], 'dryrun')")
    assert len(shown) == 2
    console(
        experiment,
        "import builtins",
        "builtins.input = lambda prompt: 'y'",
        "tk.remove_job_and_descendants(list(tk.sis_graph.jobs_sorted())[1], 'move')",
    )
    experiment.manager("-r", "setups/config.py")
    assert experiment.notes("ran") == ["1", "2", "2"]
    console(
        experiment,
        "import builtins",
        "builtins.input = lambda prompt: 'y'",
        "tk.remove_job_and_descendants(tk.find_job('Step'), 'remove')",
    )
    assert [job.name.count("cleared") for job in experiment.directory.glob("work/setups/jobs/*")] == [1]
