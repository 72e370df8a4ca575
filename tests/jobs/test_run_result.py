"""The last lines and the exit code of `boulder run`."""

from types import SimpleNamespace

from rich.console import Console

import jobs  # noqa: F401 (finds Sisyphus)
from sisyphus import tk
from sisyphus.graph import OutputPath, OutputTarget


def result(capsys, *targets, **states):
    """:return: exit code, printed lines"""
    from jobs.commands.run import _tell_result

    graph = SimpleNamespace(targets=targets, jobs=list, get_jobs_by_status=lambda engine, skip_finished: states)
    code = _tell_result(graph, None, set(), Console(highlight=False))
    return code, capsys.readouterr().out.splitlines()


def test_outputs_are_listed_with_the_text_of_small_files(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "output").mkdir()
    (tmp_path / "output/per.txt").write_text("PER 10%\n")
    made = tk.Path(str(tmp_path / "output/per.txt"))
    targets = [OutputPath("per.txt", made), OutputTarget("rerun of job: a", made)]
    assert result(capsys, *targets) == (0, ["output/per.txt: PER 10%"])


def test_a_missing_input_file_is_named(capsys, tmp_path):
    missing = OutputTarget("checkpoint.h5", tk.Path(str(tmp_path / "never")))
    code, lines = result(capsys, missing, input_missing={"/nowhere/words.txt"})
    assert code == 1
    assert lines == [
        "failed: a job reads /nowhere/words.txt, which does not exist",
        "1 output is missing, 0 jobs failed; the same command tries again",
    ]


def test_what_a_finished_job_has_lost_is_not_tried_again(capsys, monkeypatch):
    """Its job counts as finished, so the same command would not run it: the reason tells what would."""
    lost = OutputPath("a", tk.Path("/somewhere/a"))
    monkeypatch.setattr(type(lost.path), "available", lambda self: True)
    code, lines = result(capsys, lost)
    assert code == 1
    assert lines[0].startswith("not there: output/a: ../../")
    assert lines[0].endswith("does not exist, although its job has finished: rerun that (boulder rerun)")
    assert lines[1] == "1 output is missing, 0 jobs failed"
