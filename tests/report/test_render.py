"""The HTML report is complete, self-contained, escaped and deterministic."""

import re
import subprocess
import sys
from html.parser import HTMLParser

from boulder.report import render

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Checks the nesting of a document and collects its tags, attributes and text."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def test_all_input_is_in_the_page(finished_html):
    text = re.sub(r"\s+", " ", Page(finished_html).text)
    for expected in (
        "G2P on CMUdict, demo", "9.7 %", "40.3 %", "1,124,904", "58,920", "from 58.9 k, × 19.1", "7–15", "16 min 52 s",
        "lstm1_fw", "aux_output", "n_out: 64 → 128", "batch_size = 4000", '#spec = {"max_seqs": [1, 2]}',
        "copy_param_mode = subset", "6 grown", "1,011", "cost:output", "chrysanthemum", "2.21.0", "2026-11-22 18:40",
        "jobs/training/PhaseTrainingJob.0aB3dE5fG7hI", "index 0", "original", "learning rate", "error:output, epoch 15",
    ):  # fmt: skip
        assert expected in text


def test_an_unfinished_pipeline_shows_its_progress(unfinished_html):
    text = re.sub(r"\s+", " ", Page(unfinished_html).text)
    assert "3 of 15" in text
    assert "unfinished" in text
    assert text.count("planned") == 2
    assert "started" in text
    assert "nan" not in text.lower()
    assert "None" not in text
    for heading in ("Error rates", "Decoded words"):
        assert heading not in text


def test_a_report_without_phases_has_only_a_title_and_empty_sections():
    page = Page(render({"title": "A new experiment", "phases": []}))
    assert [value for name, value in page.attributes if name == "id"] == ["headline", "curves", "phases", "environment"]
    text = re.sub(r"\s+", " ", page.text)
    for expected in ("A new experiment", "0 phases", "No epoch is finished yet.", "The plan has no phases."):
        assert expected in text


def test_before_the_first_epoch_all_phases_are_planned(finished):
    page = Page(render({**finished, "scores": []}))
    assert page.attributes.count(("class", "planned")) == 4
    text = re.sub(r"\s+", " ", page.text)
    assert "0 of 15" in text
    assert "4 phases, not started" in text
    assert "Scores by epoch" not in text


def test_no_column_for_dev_without_dev_data(finished):
    finished["scores"] = [{**row, "dev": {}} for row in finished["scores"]]
    text = re.sub(r"\s+", " ", Page(render(finished)).text)
    assert "best train" in text
    scores = text.split("Scores by epoch")[1].split("Environment")[0]
    assert "train" in scores
    assert "dev" not in scores


def test_long_lists_of_layers_are_collapsed(finished):
    layers = [f"layer{number}" for number in range(300)]
    finished["phases"][1].update(added=layers, changed={layer: ["n_out: 1 → 2"] for layer in layers})
    page = Page(render(finished))
    assert "284 more added" in page.text
    assert "294 more changed" in page.text
    assert page.text.count("layer299") == 2


def test_equal_input_gives_equal_text_in_another_process(finished, finished_html, tmp_path):
    import json

    (tmp_path / "report.json").write_text(json.dumps(finished))
    program = (
        "import json, sys; from boulder.report import render; "
        "sys.stdout.buffer.write(render(json.load(open(sys.argv[1]))).encode())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "report.json")], stdout=subprocess.PIPE, check=True
    )
    assert other.stdout.decode() == finished_html


def test_the_file_has_no_external_resources_and_no_scripts(finished_html):
    text = finished_html
    page = Page(text)
    assert "://" not in text
    assert not {"script", "img", "iframe", "object", "image"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith("#") or value == "data:,"
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))


def test_no_two_elements_share_an_id(finished_html):
    ids = [value for name, value in Page(finished_html).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_text_is_escaped(finished):
    evil = "<script>alert(1)</script>\"'&{{ 7*7 }}$x^2$"
    report = {**finished, "title": evil, "description": evil, "created": evil, "environment": {evil: evil}}
    phase = {**finished["phases"][0], "added": [evil], "removed": [evil], "changed": {evil: [evil]}}
    report["phases"] = [
        {**phase, "config": {evil: evil}, "job": evil, "copy_param_mode": evil},
        *finished["phases"][1:],
    ]
    report["scores"] = [{**row, "train": {evil: 1.0}, "dev": {evil: 1.0}} for row in finished["scores"]]
    report["error_rates"] = [{**finished["error_rates"][0], "name": evil}]
    report["examples"] = [{"word": evil, "hypothesis": [evil], "references": [["K"]], "edits": 1}]
    text = render(report)
    page = Page(text)
    assert "script" not in page.tags
    assert page.text.count(evil) >= 15
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", text)[0]


def test_import_does_not_load_heavy_packages():
    program = (
        "import sys, boulder.report, boulder.search, boulder.lexicon\n"
        "heavy = {'tensorflow', 'sisyphus', 'matplotlib', 'jinja2', 'rich', 'cmudict'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_word_errors_have_a_section_and_their_sequences_are_words(finished):
    row = {
        "name": "dev-other",
        "wer": 0.125,
        "ser": 0.5,
        "words": 16,
        "substitutions": 1,
        "deletions": 1,
        "insertions": 0,
    }
    page = Page(render(finished | {"word_errors": [row | {"sequences": 4, "wrong_sequences": 2}]}))
    assert "Word errors" in page.text
    assert "12.5 %" in page.text or "12.5%" in page.text
    assert "on dev-other" in page.text
    assert "Decoded sequences" in page.text
    assert "Word errors" not in Page(render(finished)).text


def test_character_errors_have_a_table_of_their_own(finished):
    row = {"name": "test", "wer": 0.25, "ser": 0.5, "words": 16, "substitutions": 3, "deletions": 1, "insertions": 0}
    row |= {"sequences": 4, "wrong_sequences": 2}
    page = Page(render(finished | {"word_errors": [row | {"unit": "character"}, row]}))
    for text in (
        "Character errors",
        "Word errors",
        "character error rate",
        "CER: substitutions",
        "as sclite counts them",
    ):
        assert page.text.count(text) == 1


def test_warnings_are_listed_and_consecutive_epochs_share_a_row(finished):
    for epoch, warnings in (
        (2, ["2 of 4 <left> out"]),
        (3, ["2 of 4 <left> out", "skipped"]),
        (5, ["2 of 4 <left> out"]),
    ):
        finished["scores"][epoch - 1]["warnings"] = warnings
    html = render(finished)
    rows = re.findall(r"<dt>(epochs? .*?)</dt><dd>(.*?)</dd>", html[html.index('id="warnings"') :])
    assert rows == [
        ("epochs 2–3", "2 of 4 &lt;left&gt; out"),
        ("epoch 3", "skipped"),
        ("epoch 5", "2 of 4 &lt;left&gt; out"),
    ]


def test_only_an_unfinished_report_is_read_again_and_failures_are_named(finished):
    assert 'http-equiv="refresh"' not in render(finished)
    html = render({**finished, "refresh": 30, "failures": {"g2p/phase.01": "TrainingError: <nan>"}})
    assert '<meta http-equiv="refresh" content="30">' in html
    assert "<b>g2p/phase.01</b> has failed: TrainingError: &lt;nan&gt;" in html
