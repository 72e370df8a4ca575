"""`boulder plan` on configs of Sisyphus."""

import json

import pytest


@pytest.fixture
def plan(project):
    def run(*arguments: str, config: str = "config/tiny.experiment") -> tuple[int, str]:
        return project.run("boulder", "plan", config, *arguments)

    return run


def test_each_phase_has_a_row_and_nothing_is_submitted_or_locked(plan, project):
    code, output = plan()
    assert code == 0, output
    rows = [line.split() for line in output.splitlines()]
    assert ["0", "1–2", "+", "embedding,", "fw0,", "bw0,", "output", "366"] in rows
    assert any(row[:2] == ["original", "5–6"] and row[-1] == "1,542" for row in rows)
    assert not (project.folder / "work").exists()


def test_diff_lists_every_option_that_changes(plan):
    code, output = plan("--diff")
    assert code == 0, output
    assert "  ~ fw0/n_out: 4 → 6" in output
    assert "  + fw1: {'class': 'rec'" in output


def test_json_has_every_network(plan):
    code, output = plan("--json")
    assert code == 0, output
    (pipeline,) = json.loads(output)
    assert pipeline["num_pretrain_epochs"] == 6
    assert [(p["index"], p["first_epoch"], p["num_params"]) for p in pipeline["phases"]] == [
        (0, 1, 366),
        (1, 3, 630),
        (None, 5, 1542),
    ]
    assert pipeline["phases"][1]["network"]["fw0"]["n_out"] == 6


def test_epoch_gives_the_network_of_that_epoch(plan):
    code, output = plan("--epoch", "3")
    assert code == 0, output
    assert json.loads(output)["fw0"]["n_out"] == 6
    code, output = plan("--epoch", "7")
    assert (code, output) == (1, "error: epoch 7 is not planned: the plan has the epochs 1 to 6\n")


def test_check_passes_a_pure_algo(plan):
    assert plan("--check") == (0, "the algo gives the same networks when it is asked twice\n")


def test_check_reports_how_two_plans_of_an_impure_algo_differ(plan, project):
    text = (project.folder / "config/tiny.py").read_text()
    changed = text.replace("width=(4, last_width)[min(idx, 1)]", "width=next(WIDTHS)")
    assert changed != text
    project.write_config("import itertools\nWIDTHS = itertools.count(3)\n" + changed, "random")
    code, output = plan("--check", config="config/random.experiment")
    assert code == 1
    assert "phase 0: asked twice, the algo gives two networks: ~fw0(n_out 3→5)" in output


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("config/tiny.experimnt", "did you mean 'experiment'?"),
        ("nowhere.config", "there is no such file"),
        ("config/empty.py", "it lays out no pipeline"),
        ("config/broken.py", "config/broken.py, line 2: NameError: name 'nonsense' is not defined"),
    ],
)
def test_a_wrong_name_or_file_gets_one_line(plan, project, config, message):
    project.write_config("def py():\n    pass\n", "empty")
    project.write_config("def py():\n    nonsense\n", "broken")
    code, output = plan(config=config)
    assert code == 1
    assert message in output
    assert len(output.splitlines()) == 1
