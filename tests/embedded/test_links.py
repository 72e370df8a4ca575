"""output/ and alias/: places that turn from link to folder and back, and names that are taken."""

import os


def job_files(experiment):
    return sorted(str(path) for path in (experiment.directory / "work").rglob("*") if "usage" not in path.name)


def test_a_link_makes_way_for_a_folder_and_nothing_is_written_into_the_job(experiment):
    experiment.config(
        "def first():\n"
        "    tk.register_output('a', Step(1).out)\n"
        "def second():\n"
        "    job = Step(1)\n"
        "    job.add_alias('x')\n"
        "    tk.register_output('a/b/c', job.out)\n"
        "def third():\n"
        "    job = Step(1)\n"
        "    job.add_alias('x/y')\n"
        "    tk.register_output('a/b/d', job.out)\n"
        "    tk.register_report('a/b/c/report', 7)\n"
    )
    assert experiment.manager("-r", "setups/config.first").returncode == 0
    before = job_files(experiment)
    done = experiment.manager("-r", "setups/config.second")
    assert done.returncode == 0, done.output
    assert "removed the link output/a of an earlier config" in done.output
    assert experiment.value("a/b/c") == "1"
    done = experiment.manager("-r", "setups/config.third")
    assert done.returncode == 0, done.output
    assert experiment.value("a/b/d") == "1"
    assert experiment.value("a/b/c/report") == "7"
    assert os.path.realpath(experiment.directory / "alias/x/y") == str(experiment.job("Step"))
    assert job_files(experiment) == before


def test_a_link_of_the_users_stays(experiment, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    (experiment.directory / "output").mkdir()
    (experiment.directory / "output/big").symlink_to(disk)
    experiment.config("def py():\n    tk.register_output('big/sum', Step(1).out)")
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert (disk / "sum").read_text().strip() == "1"


def test_an_output_whose_place_is_a_folder_is_an_error(experiment):
    experiment.config("def py():\n    tk.register_output('a', Step(1).out)\n    Step(1).add_alias('x')")
    (experiment.directory / "output/a").mkdir(parents=True)
    (experiment.directory / "alias/x").mkdir(parents=True)
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert "could not link output output/a: File exists; is there something else in its place?" in done.output
    assert "could not link alias alias/x of " in done.output


def test_two_outputs_of_one_name_are_refused_before_the_first_job(experiment):
    experiment.config(
        "def py():\n"
        "    for n in (1, 2):\n"
        "        tk.register_output('a', Step(n).out)\n"
        "def twice():\n"
        "    for _ in range(2):\n"
        "        tk.register_output('a', Step(1).out)\n"
        "async def later():\n"
        "    tk.register_output('a', Step(1).out)\n"
        "    await tk.async_run(Step(1).out)\n"
        "    tk.register_output('a', Step(2).out)\n"
    )
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert "two outputs are called 'a': work/setups/jobs/Step." in done.output
    assert done.output.count("setups/config.py:5") == 2
    assert experiment.notes("ran") == []
    assert experiment.manager("-r", "setups/config.twice").returncode == 0
    done = experiment.manager("-r", "setups/config.later")
    assert done.returncode == 1
    assert "two outputs are called 'a'" in done.output
    assert "Traceback" not in done.output
