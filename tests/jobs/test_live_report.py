"""output/NAME/report.html: the manager writes it after each epoch, and it keeps nothing from being trained."""

import json
import os
import warnings
from pathlib import Path

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import ConfigError
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    from jobs.drawing import Drawing
    from sisyphus import gs, toolkit
    from sisyphus.graph import SISGraph

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    monkeypatch.setattr(toolkit, "sis_graph", SISGraph())
    yield tmp_path
    Drawing._all.clear()
    if Drawing._ready:
        Drawing._ready.close()
        Drawing._ready = None


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(folder, data, monkeypatch):
    """Lays out a pipeline of two phases. Returns it and its report, None if it has none."""
    from jobs.live_report import LiveReport
    from jobs.pipeline import lay_out
    from sisyphus import tk

    def laid_out(name="watched", **more):
        pipeline = lay_out(
            name,
            network=network(1, 6),
            pretrain={"construction_algo": lambda idx, net_dict: network(1, 4) if idx == 0 else None},
            num_epochs=3,
            config=CONFIG | {"learning_rate": 0.01},
            extern_data=EXTERN_DATA,
            train_data=tk.Path(str(data / "train.hdf")),
            **more,
        )
        for job in pipeline.jobs:  # of a former test, since a job of an id exists once in a process
            monkeypatch.setattr(job, "_sis_is_finished", False)
        return pipeline, next((t for t in tk.sis_graph.targets if isinstance(t, LiveReport)), None)

    return laid_out


def score(job, *epochs, **more) -> None:
    records = [{"epoch": epoch, "learning_rate": 0.01, "train": {"cost:output": 1 / epoch}} | more for epoch in epochs]
    path = Path(job.out_scores.get_path())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def fail(job, message: str) -> None:
    folder = Path(job._sis_path())
    (folder / "error.run.1").touch()
    (folder / "log.run.1").write_text(f"TrainingError: {message}\n")


@pytest.fixture
def drawn(monkeypatch):
    """What would be drawn, by fields of the report; nothing is."""
    from jobs.drawing import Drawing

    contents = []

    def begin(self, content):
        contents.append(json.loads(content))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.page.write_text("page")

    monkeypatch.setattr(Drawing, "begin", begin)
    return contents


def test_each_epoch_and_a_failure_are_shown_and_nothing_is_drawn_twice(lay_out):
    pipeline, report = lay_out()
    report.update_requirements(force=True)
    page = Path("output/watched/report.html")
    assert "not started" in page.read_text()
    score(pipeline.jobs[0], 1, warnings=["3 of 4 sequences left out"])
    score(pipeline.jobs[1], 2)
    fail(pipeline.jobs[1], "epoch 3, batch 7: no space left")
    report.update_requirements(force=True)
    html = page.read_text()
    for shown in (
        "3 of 4 sequences left out",
        "watched/phase.final",
        "epoch 3, batch 7: no space left",
        "of 3</small>",
    ):
        assert shown in html
    assert 'http-equiv="refresh"' in html
    written = page.stat().st_mtime_ns
    report.update_requirements(force=True)
    assert page.stat().st_mtime_ns == written
    assert not list(page.resolve().parent.glob(".*"))


def test_between_epochs_nothing_is_drawn_and_the_share_of_time_is_kept(lay_out, drawn, monkeypatch):
    pipeline, report = lay_out()
    score(pipeline.jobs[0], 1)
    report.update_requirements()
    assert not drawn  # in the first seconds of a run
    report._drawing._rest_until = 0.0
    report.update_requirements()
    report.update_requirements()
    assert [len(content["scores"]) for content in drawn] == [1]
    score(pipeline.jobs[1], 2)
    os.utime(f"{pipeline.jobs[1]._sis_path()}/output")
    report.update_requirements()
    assert [len(content["scores"]) for content in drawn] == [1, 2]


def test_of_many_pipelines_one_is_drawn_at_a_time_and_each_gets_its_turn(lay_out):
    from jobs.live_report import LiveReport

    reports = []
    for name in ("one", "other"):
        pipeline, _ = lay_out(name)
        score(pipeline.jobs[0], 1)
        reports.append(LiveReport(name))
    for report in reports:
        report._drawing._rest_until = 0.0
    for report in reports:
        report.update_requirements()
    assert [report._drawing.may_begin() for report in reports] == [False, False]
    assert [report._drawing._process is not None for report in reports] == [True, False]
    assert reports[0]._drawing.finish(wait=True) is None
    for report in reports:
        report.update_requirements()
    assert [report._drawing._process is not None for report in reports] == [False, True]
    assert reports[1]._drawing.finish(wait=True) is None
    assert all(Path(f"work/report/{name}/report.html").exists() for name in ("one", "other"))


def test_the_process_that_is_prepared_ends_without_a_page_if_the_manager_does(lay_out):
    from jobs.drawing import Drawing

    _, report = lay_out()
    report.update_requirements()
    process = Drawing._ready._process
    report.update_requirements()
    assert Drawing._ready._process is process
    process.stdin.close()
    assert process.wait(60) == 0
    assert not Path("work/report").exists()


def test_a_finished_pipeline_is_final(lay_out, drawn):
    pipeline, report = lay_out()
    for job, epoch in zip(pipeline.jobs, (1, 3), strict=True):
        score(job, epoch)
        Path(job._sis_path(), "finished").touch()
    report.update_requirements(force=True)
    assert drawn[-1]["refresh"] is None
    assert drawn[-1]["failures"] == {}


def test_what_goes_wrong_is_a_warning_once_and_no_exception(lay_out, monkeypatch, caplog):
    from jobs.drawing import Drawing

    pipeline, report = lay_out()
    score(pipeline.jobs[0], 77)  # of no phase
    for _ in range(2):
        report.update_requirements(force=True)
    score(pipeline.jobs[0], 1)
    monkeypatch.setattr("sys.executable", "/bin/false")
    report.update_requirements(force=True)
    monkeypatch.setattr(Drawing, "begin", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    report.update_requirements(force=True)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert all("output/watched/report.html" in line for line in told)
    assert "No space left on device" in told[2]


def test_it_requires_no_training_and_ends_with_the_other_outputs(lay_out, drawn):
    from sisyphus import tk

    pipeline, report = lay_out()
    assert not tk.sis_graph.jobs()
    tk.register_output("watched/checkpoint.h5", pipeline.checkpoint)
    assert report in tk.sis_graph.active_targets
    report.update_requirements()
    assert not report.is_done()
    for job in pipeline.jobs:
        job._sis_is_finished = True
    assert report.is_done()


def test_report_false_lays_out_none_and_ids_do_not_depend_on_it(lay_out):
    pipeline, report = lay_out(report=False)
    assert report is None
    assert [job.job_id() for job in lay_out()[0].jobs] == [job.job_id() for job in pipeline.jobs]
    with pytest.raises(ConfigError, match="report: found 1, expected True or False"):
        lay_out(report=1)


def test_an_output_of_the_config_takes_its_place_once_it_exists(lay_out, drawn):
    from sisyphus import tk

    pipeline, report = lay_out()
    tk.register_output("watched/report.html", pipeline.jobs[0].out_growth)
    report.update_requirements(force=True)
    assert Path("output/watched/report.html").read_text() == "page"
    assert report.is_there()
    score(pipeline.jobs[0], 1)
    Path(pipeline.jobs[0].out_growth.get_path()).write_text("theirs")
    Path(pipeline.jobs[0]._sis_path(), "finished").touch()
    for target in tk.sis_graph.targets:
        target.update_requirements(write_output=True, force=True)
        target.run_when_done(write_output=True)
    report.update_requirements(force=True)
    assert Path("output/watched/report.html").read_text() == "theirs"
    assert not report.is_there()


def test_what_is_in_its_place_stays(lay_out, drawn, caplog):
    from sisyphus import tk

    pipeline, report = lay_out()
    os.makedirs("output/watched")
    Path("output/watched/report.html").write_text("my notes")
    report.update_requirements(force=True)
    assert Path("output/watched/report.html").read_text() == "my notes"
    assert "output/watched/report.html is no link" in caplog.text
    tk.register_output("watched", pipeline.checkpoint)  # a link where its folder would be
    report.update_requirements(force=True)
    assert "the output 'watched' is in the place of its folder; rename one of them" in caplog.text


def test_it_replaces_an_output_of_an_earlier_config_that_was_called_like_the_pipeline(lay_out, drawn, caplog):
    pipeline, report = lay_out()
    score(pipeline.jobs[0], 1)
    Path("output").mkdir()
    Path("output/watched").symlink_to(Path(pipeline.jobs[0]._sis_path("output")).resolve())
    report.update_requirements(force=True)
    assert Path("output/watched/report.html").read_text() == "page"
    assert not Path("output/watched").is_symlink()
    assert not caplog.records


@pytest.mark.parametrize("folder_of_config", ["", "mine/"])
def test_the_config_s_folder_of_outputs_holds_it(lay_out, drawn, monkeypatch, folder_of_config):
    from sisyphus import gs

    monkeypatch.setattr(gs, "ALIAS_AND_OUTPUT_SUBDIR", folder_of_config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, report = lay_out()
    monkeypatch.setattr(gs, "ALIAS_AND_OUTPUT_SUBDIR", "")
    report.update_requirements(force=True)
    assert report.place == f"output/{folder_of_config}watched/report.html"
    assert report.is_there()
