"""`boulder graph`: draws the jobs of a config."""

from tests.jobs.test_show_status import CONFIG


def test_the_picture_has_all_jobs_with_alias_and_state(trained):
    code, output = trained.run("boulder", "graph", CONFIG, "-o", "graph.svg")
    assert (code, output) == (0, "graph.svg: 4 jobs\n")
    text = (trained.folder / "graph.svg").read_text()
    for name in ("tiny/phase.00", "tiny/phase.01", "tiny/phase.final", "tiny/report"):
        assert name in text
    assert text.count("finished · 2/2 epochs") == 3
    code, output = trained.run("boulder", "graph", CONFIG, "-o", "graph.dot")
    assert code == 0, output
    edges = [line for line in (trained.folder / "graph.dot").read_text().splitlines() if "->" in line]
    assert ["color" in line for line in edges] == [False, False, True]  # two hand-overs; the report needs the last


def test_a_file_that_cannot_be_written_or_has_an_unknown_suffix_gets_one_line(trained):
    code, output = trained.run("boulder", "graph", CONFIG, "-o", "nowhere/graph.svg")
    assert (code, output) == (1, "error: nowhere/graph.svg: cannot be written: No such file or directory\n")
    code, output = trained.run("boulder", "graph", CONFIG, "-o", "graph")
    assert (code, output) == (1, "error: graph: found 'no suffix', expected one of .svg, .png, .pdf, .dot\n")
