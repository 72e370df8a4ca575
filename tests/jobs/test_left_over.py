"""What counts as left over, what is kept, and how it is removed: in folders as Sisyphus makes them."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import BoulderError
from jobs.commands.clean import clean
from jobs.workdir.config_records import ConfigRecord, read_records, write_records
from jobs.workdir.left_over import left_over, measured, remove, unknown_folders, with_reasons

OLD, NEW, OTHER = "jobs/train/Train.old000000000", "jobs/train/Train.new000000000", "jobs/train/Train.other0000000"


@pytest.fixture
def work(tmp_path, monkeypatch):
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    (tmp_path / "settings.py").touch()
    (tmp_path / "config").mkdir()
    for config in ("mine", "other"):
        (tmp_path / f"config/{config}.py").touch()
    return tmp_path


def job(name: str, *inputs: str, finished: bool = True, size: int = 0, alias: str = "") -> str:
    """:return: the folder of a job"""
    folder = Path("work", name)
    for inside in ("input", "output", "work"):
        (folder / inside).mkdir(parents=True)
    (folder / "job.save").write_bytes(gzip.compress(b"of a class that is gone"))
    (folder / "output/checkpoint.h5").write_bytes(b"x" * size)
    (folder / "info").write_text(f"INPUT: x\nALIAS: {alias}\n" if alias else "INPUT: x\n")
    if finished:
        (folder / "finished").touch()
    for needed in inputs:
        (folder / "input" / needed.replace("/", "_")).symlink_to(Path("work", needed).absolute())
    return str(folder)


def link(place: str, target: str) -> None:
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).symlink_to(Path(target).absolute())


def record(**configs: tuple[list[str], list[str]]) -> dict[str, ConfigRecord]:
    records = {f"config/{name}.py": ConfigRecord(tuple(now), tuple(former)) for name, (now, former) in configs.items()}
    write_records(records)
    return records


def folders(found) -> list[str]:
    return [leftover.folder for leftover in found]


def test_what_another_config_needs_is_not_left_over(work):
    for name in (OLD, NEW, OTHER):
        job(name)
    records = record(mine=([NEW], [OLD, OTHER]), other=([OTHER], []))
    assert folders(left_over(records)) == [f"work/{OLD}"]
    assert folders(left_over(records, ["config/other.py"])) == []


def test_while_a_config_waits_its_former_jobs_stay_needed():
    before = ConfigRecord((OLD,), (OTHER,))
    assert before.with_jobs([NEW], complete=False) == ConfigRecord((NEW, OLD), (OTHER,))
    assert before.with_jobs([NEW, OTHER], complete=True) == ConfigRecord((NEW, OTHER), (OLD,))


def test_what_was_set_aside_is_left_over_also_of_a_job_that_is_needed(work):
    job(NEW)
    for suffix in (".cleared.0001", ".cleared.0002.removing", ".notes"):
        job(f"{NEW}{suffix}")
    job(f"{OTHER}.cleared.0001")
    found = left_over(record(mine=([NEW], [])))
    assert folders(found) == [f"work/{NEW}.cleared.0001", f"work/{NEW}.cleared.0002.removing"]
    assert found[0].name == "Train, set aside"
    assert folders(unknown_folders(read_records())) == [f"work/{NEW}.notes", f"work/{OTHER}.cleared.0001"]


def test_results_that_are_linked_stay_with_what_they_were_made_of(work):
    job(OLD)
    job(OTHER, OLD)
    job("jobs/train/Train.third0000000")
    link("output/mine/result", f"work/{OTHER}/output/checkpoint.h5")
    found = with_reasons(left_over(record(mine=([], [OLD, OTHER, "jobs/train/Train.third0000000"]))), ["output"])
    kept = {leftover.job: leftover.kept for leftover in found}
    assert kept == {OLD: (why := "output/mine/result leads to it"), OTHER: why, "jobs/train/Train.third0000000": ""}


def test_a_running_job_stays(work):
    folder = job(OLD, finished=False)
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "worker", folder, "run"])
    try:
        while "worker" not in Path(f"/proc/{worker.pid}/cmdline").read_text():
            time.sleep(0.02)
        (found,) = with_reasons(left_over(record(mine=([], [OLD]))), [])
        assert found.kept == f"running (process {worker.pid})"
    finally:
        worker.kill()
        worker.wait()
    (found,) = with_reasons(left_over(read_records()), [])
    assert found.kept == ""


def test_sizes_are_those_on_the_disk_and_a_file_of_two_names_counts_once(work):
    folder = Path(job(OLD, size=100_000))
    os.link(folder / "output/checkpoint.h5", folder / "output/best.h5")
    large = job(NEW, size=1_000_000)
    (folder / "input/large").symlink_to(Path(large).absolute())
    (found,) = measured(left_over(record(mine=([NEW], [OLD]))))
    assert 100_000 <= found.size < 180_000
    assert measured([found], seconds=-1.0)[0].size == found.size  # no time: as it was


def test_a_link_to_another_work_directory_is_removed_and_not_what_it_leads_to(work, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "finished").touch()
    link(f"work/{OLD}", str(elsewhere))
    (found,) = left_over(record(mine=([], [OLD])))
    remove(found)
    assert not os.path.lexists(f"work/{OLD}")
    assert (elsewhere / "finished").exists()


def run(capsys, *configs: str, **options) -> tuple[int, str]:
    from rich.console import Console

    code = clean(configs, Console(highlight=False, width=60), **options)
    return code, capsys.readouterr().out


def test_only_what_is_listed_is_removed_with_its_aliases_and_only_when_told_to(work, capsys, monkeypatch):
    monkeypatch.setattr("jobs.commands.clean.lock_work_directory", lambda: None)
    for name in (OLD, NEW, OTHER):
        job(name, size=50_000, alias="mine/phase.07" if name == OLD else "")
    link("alias/mine/phase.07", f"work/{OLD}")
    link("alias/mine/phase.00", f"work/{NEW}")
    record(mine=([NEW], [OLD]))
    code, said = run(capsys)
    assert (code, said.splitlines()[0].split()[2:]) == (0, [f"work/{OLD}", "(mine/phase.07,", "of", "config/mine.py)"])
    assert "in 1 folder; boulder clean --remove removes them" in said
    assert "not listed: 1 folder of jobs that no recorded config has needed; --unknown lists them" in said
    assert Path(f"work/{OLD}").exists()
    said = run(capsys, removes=True)[1]
    assert "(mine/phase.07, of config/mine.py)\nremoved: " in said
    assert [Path(f"work/{name}").exists() for name in (OLD, NEW, OTHER)] == [False, True, True]
    assert os.listdir("alias/mine") == ["phase.00"]
    assert read_records() == {"config/mine.py": ConfigRecord((NEW,), ())}
    assert run(capsys)[1].startswith("nothing is left over\n")


def test_unknown_folders_are_kept_if_an_alias_leads_to_them(work, capsys, monkeypatch):
    monkeypatch.setattr("jobs.commands.clean.lock_work_directory", lambda: None)
    for name in (OLD, NEW, OTHER):
        job(name)
    link("alias/theirs", f"work/{NEW}")
    code, said = run(capsys, unknown=True, removes=True)
    assert code == 0
    assert f"kept: work/{NEW}: alias/theirs leads to it" in said
    assert [Path(f"work/{name}").exists() for name in (OLD, NEW, OTHER)] == [False, True, False]


def test_a_config_that_does_not_exist_any_more_is_told_and_its_jobs_are_listed_by_its_name(work, capsys):
    for name in (OLD, NEW):
        job(name)
    write_records({"config/gone.py": ConfigRecord((OLD,), ()), "config/mine.py": ConfigRecord((NEW,), ())})
    said = run(capsys)[1]
    assert "config/gone.py is no config any more; what it needed is kept, until boulder clean config/gone.py\n" in said
    code, said = run(capsys, "config/gone.py")
    assert code == 0
    assert f"work/{OLD} (Train, of config/gone.py)" in said
    assert NEW not in said


def test_what_cannot_be_removed_is_told(work, capsys, monkeypatch):
    monkeypatch.setattr("jobs.commands.clean.lock_work_directory", lambda: None)
    job(OLD)
    record(mine=([], [OLD]))

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("shutil.rmtree", refuse)
    code, said = run(capsys, removes=True)
    assert code == 1
    assert f"not removed: work/{OLD}: work/{OLD}.removing: Permission denied" in said


def test_a_work_directory_may_be_a_link(work, capsys, tmp_path):
    (tmp_path / "disk").mkdir()
    Path("work").symlink_to(tmp_path / "disk")
    job(OLD)
    job(NEW)
    link("output/mine/result", f"work/{NEW}/output/checkpoint.h5")
    found = with_reasons(left_over(record(mine=([], [OLD, NEW]))), ["output"])
    assert {leftover.job: bool(leftover.kept) for leftover in found} == {OLD: False, NEW: True}


def test_a_record_that_cannot_be_read_is_an_error_with_its_name(work):
    Path("work").mkdir()
    Path("work/jobs_of_configs.json").write_text('{"config/mine.py": []}')
    with pytest.raises(BoulderError, match=r"^work/jobs_of_configs\.json: cannot be read"):
        read_records()


def test_without_a_work_directory_nothing_is_left_over_and_none_is_made(work, capsys):
    assert run(capsys, removes=True) == (0, "nothing is left over\n")
    assert not Path("work").exists()
