"""ReportJob reads the outputs of training jobs, and its id ignores empty arguments."""

import json

import pytest

import jobs  # noqa: F401 (finds Sisyphus)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    return tmp_path


def test_report_contains_the_growth_of_all_jobs(in_tmp, finished):
    from jobs.report import ReportJob
    from sisyphus import tk

    def path(name, content):
        (in_tmp / name).write_text(content)
        return tk.Path(str(in_tmp / name))

    entry = {"index": 0, "copied": [], "grown": {}, "initialised": ["a_new_one/W"], "dropped": [], "from_later": 1}
    growth = [json.dumps([entry | {"start": 1}]), json.dumps([entry | {"start": start} for start in (3, 5)])]
    job = ReportJob(
        title="t",
        phases=finished["phases"],
        scores=[path("scores.jsonl", "".join(json.dumps(row) + "\n" for row in finished["scores"]))],
        growth=[path(f"growth{number}.json", text) for number, text in enumerate(growth)],
    )
    job._sis_setup_directory()
    job.run()
    with open(job.out_report.get_path()) as file:
        html = file.read()
    assert [f'id="hand-over-{phase}"' in html for phase in range(4)] == [True, True, True, False]
    assert html.count("a_new_one/W") == 3


def test_empty_growth_does_not_change_the_id():
    from jobs.report import ReportJob
    from sisyphus import tk

    arguments = {"title": "t", "phases": [], "scores": [tk.Path("s", hash_overwrite="s")]}
    plain = ReportJob(**arguments).job_id()
    assert ReportJob(**arguments, growth=[]).job_id() == plain
    assert ReportJob(**arguments, growth=[tk.Path("g", hash_overwrite="g")]).job_id() != plain
