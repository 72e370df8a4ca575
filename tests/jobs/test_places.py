"""What is printed as done is there: outputs and aliases whose places change between runs, or are taken."""

import os

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import ConfigError
from jobs.workdir import places
from jobs.workdir.places import check_places, places_of_output, wrong_aliases
from sisyphus import Job, gs, tk
from sisyphus.graph import OutputPath, OutputReport

PLACES = """

def placed(*names):
    from jobs.pipeline import laid_out_pipelines

    experiment()
    training = laid_out_pipelines()["tiny"]
    for name in names:
        tk.register_output(name, training.checkpoint)
    return training


def aliased(alias):
    placed("board").jobs[-1].add_alias(alias)
"""


@pytest.mark.long
def test_a_link_of_an_earlier_config_makes_way_and_a_folder_is_refused(trained):
    """As shared/cases/06: link, then folder, then link again, all in one place. The jobs have finished."""
    with open(trained.folder / "config/tiny.py", "a") as file:
        file.write(PLACES)
    checkpoint = trained.checkpoint()
    before = {str(path) for path in trained.folder.glob("work/jobs/phase_training/*/output/**/*")}

    code, output = trained.run("boulder", "run", "config/tiny.placed('place', 'board')")
    assert code == 0, output
    assert (trained.folder / "output/place").read_bytes() == checkpoint

    code, output = trained.run("boulder", "run", "config/tiny.placed('place/checkpoint.h5', 'board')")
    assert code == 0, output
    assert "output/place/checkpoint.h5" in output.splitlines()
    assert "warning: removed the link output/place of an earlier config" in output
    assert (trained.folder / "output/place/checkpoint.h5").read_bytes() == checkpoint

    code, output = trained.run("boulder", "run", "config/tiny.placed('place')")
    assert code == 1
    assert output.startswith("error: output 'place': output/place is a folder")
    assert output.count("\n") == 1

    # the same with a link to a job's folder: nothing may be written there
    code, output = trained.run("boulder", "run", "config/tiny.aliased('one')")
    assert code == 0, output
    code, output = trained.run("boulder", "run", "config/tiny.aliased('one/more')")
    assert code == 0, output
    assert (trained.folder / "alias/one/more/output/checkpoint.h5").read_bytes() == checkpoint
    assert {str(path) for path in trained.folder.glob("work/jobs/phase_training/*/output/**/*")} == before
    assert not list(trained.folder.glob("work/jobs/phase_training/*/more"))


class Made(Job):
    def __init__(self, number):
        self.out = self.output_path("out.txt")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    for job in (Made(1), Made(2)):
        os.makedirs(f"work/{job.job_id()}/output")
        open(f"work/{job.job_id()}/finished", "w").close()
        with open(job.out.get_path(), "w") as file:
            file.write("7\n")
    os.mkdir("output")
    return tmp_path


def output(name, number=1):
    return OutputPath(name, Made(number).out)


def why_not_there(target):
    (place,) = places_of_output(target)
    return places.why_not_there(target, place)


def test_a_job_of_two_configs_with_folders_of_their_own_has_two_places(monkeypatch):
    for folder in ("one", "two"):
        monkeypatch.setattr(gs, "ALIAS_AND_OUTPUT_SUBDIR", folder)
        job = Made(3)
    assert places_of_output(OutputPath("a", job.out)) == ["output/one/a", "output/two/a"]
    assert places_of_output(OutputPath("a", tk.Path("mine"))) == ["output/a"]
    check_places([OutputPath("a", job.out), OutputPath("a", tk.Path("mine"))], [])


def test_a_link_that_leads_to_the_output_is_fine(folder):
    os.symlink(Made(1).out.get_path(), "output/a.txt")
    assert why_not_there(output("a.txt")) is None
    check_places([output("a.txt"), output("a.txt"), output("b/a.txt", 2)], [Made(1)])


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda: None, "there is nothing, expected a link to work/"),
        (lambda: os.mkdir("output/a.txt"), "it is a folder, expected a link to work/"),
        (lambda: os.symlink(Made(2).out.get_path(), "output/a.txt"), "it leads to work/.*does another config use this"),
        (lambda: os.symlink("nowhere", "output/a.txt"), "it leads to output/nowhere, expected a link to work/"),
        (lambda: os.unlink(Made(1).out.get_path()), "does not exist, although its job has finished: rerun that"),
    ],
)
def test_what_is_not_there_is_told_with_the_reason(folder, prepare, why):
    prepare()
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(why_not_there(output("a.txt")))


def test_a_report_that_was_not_written_is_told(folder):
    assert "it does not exist" in why_not_there(OutputReport("report.txt", 7))
    (folder / "output/report.txt").write_text("7")
    assert why_not_there(OutputReport("report.txt", 7)) is None


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (lambda: [output("a"), output("a", 2)], "two outputs are called 'a': work/.* and work/.*another name"),
        (lambda: [output("a/b", 2), output("a")], "output 'a/b' is inside output 'a', which is a link"),
        (lambda: [output("a"), output("a/b/c/d", 2)], "output 'a/b/c/d' is inside output 'a'"),
        (lambda: [output("a"), OutputReport("a/b", 7)], "output 'a/b' is inside output 'a'"),
        (lambda: [output("full")], "output 'full': output/full is a folder, .*; move it away"),
        (lambda: [output("file")], "output 'file': output/file is a file, and no link; move it away"),
        (
            lambda: [output("disk/a")],
            "output 'disk/a': output/disk is a link to .*/not/mounted, which does not exist; mount its",
        ),
        (lambda: [output("file/a")], "output 'file/a': output/file is a file, expected a folder"),
    ],
)
def test_outputs_that_cannot_be_linked_are_refused_before_the_first_job(folder, targets, message):
    os.mkdir("output/full")
    open("output/file", "w").close()
    os.symlink("/not/mounted", "output/disk")
    with pytest.raises(ConfigError, match=message):
        check_places(targets(), [])


class Named(Job):
    def __init__(self, number, aliases):
        for alias in aliases:
            self.add_alias(alias)


def test_aliases_inside_others_are_refused_and_shared_ones_told(folder):
    check_places([], [Named(1, ["x/a"]), Named(1, ["x/b", "xa"])])
    with pytest.raises(ConfigError, match="alias 'x/a/b' is inside alias 'x/a', which is a link and no folder"):
        check_places([], [Named(2, ["x/a"]), Named(2, ["x/a/b"])])
    os.makedirs("alias/y/more")
    with pytest.raises(ConfigError, match="alias 'y': alias/y is a folder"):
        check_places([], [Named(3, ["y"])])
    with pytest.warns(UserWarning, match="two jobs have the alias 'z', which can lead to one of them only"):
        check_places([], [Named(4, ["z"]), Named(5, ["z"])])


def test_an_alias_that_leads_elsewhere_is_told(folder):
    one, two = Named(6, ["w"]), Named(7, ["w"])
    for job in (one, two):
        os.makedirs(f"work/{job.job_id()}")
        open(f"work/{job.job_id()}/finished", "w").close()
    os.mkdir("alias")
    os.symlink(os.path.abspath(f"work/{one.job_id()}"), "alias/w")
    assert wrong_aliases([one]) == wrong_aliases([one, two]) == {}
    assert "it leads to work/" in wrong_aliases([two])["alias/w"]


def test_a_path_without_a_job_is_an_output_too(folder):
    (folder / "mine.txt").write_text("x")
    os.symlink(folder / "mine.txt", "output/mine.txt")
    assert why_not_there(OutputPath("mine.txt", tk.Path(str(folder / "mine.txt"), hash_overwrite="mine"))) is None
