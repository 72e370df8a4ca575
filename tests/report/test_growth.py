"""The hand-overs in the report, read from the growth reports of training jobs."""

import json
import re

import pytest

from boulder.errors import DataError
from boulder.network import describe
from boulder.report import HandOver, Report, render
from boulder.report.phases import number_growth
from boulder.report.schema import from_plain
from boulder.training.growth import GrowthOptions, plan_growth
from tests.report.test_render import Page

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}


def network(**widths: int) -> dict:
    net, source = {}, "data"
    for name, width in widths.items():
        net[name] = {"class": "linear", "activation": "tanh", "n_out": width, "from": source}
        source = name
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def hand_over(old: dict, new: dict, mode: str | None = None, **options) -> HandOver:
    """:return: hand-over between two networks, written as by a training job and read as by the report"""
    old_spec, new_spec = (describe(net, EXTERN_DATA) if net else None for net in (old, new))
    growth = GrowthOptions(network=new_spec, old_network=old_spec, **options)
    report = plan_growth(old_spec.params if old_spec else {}, new_spec.params, mode, growth)
    entry = {"index": 0, "start": 3, "carry_optimizer": "grow", **report.to_json()}
    (numbered,) = number_growth(json.loads(json.dumps([entry])), [{"first_epoch": 3, "phase": 1}])
    return from_plain(HandOver, numbered, "growth")


def kinds(entry: HandOver) -> dict[str, list[str]]:
    return {kind: [change.path for change in found] for kind, found in entry.kinds.items()}


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", Page(html).text)


def report_of(finished, *entries: HandOver) -> dict:
    return {**finished, "growth": list(entries)}


def test_all_parameters_of_the_first_phase_are_initialised():
    entry = hand_over({}, network(a=4))
    assert kinds(entry) == {"initialised": ["a/W", "a/b", "output/W", "output/b"]}
    assert entry.is_first
    assert entry.shares == {"initialised": 1.0}


def test_wider_layers_are_grown_and_new_ones_initialised():
    entry = hand_over(network(a=4), network(a=6, b=6), "subset")
    assert kinds(entry) == {"copied": ["output/b"], "grown": ["a/W", "a/b", "output/W"], "initialised": ["b/W", "b/b"]}
    assert [(change.old, change.new) for change in entry.kinds["grown"]] == [
        ((5, 4), (5, 6)), ((4,), (6,)), ((4, 3), (6, 3)),
    ]  # fmt: skip
    assert (entry.mode, entry.carry_optimizer, entry.is_first) == ("subset", "grow", False)
    sizes = {"copied": 3, "grown": 5 * 6 + 6 + 6 * 3, "initialised": 6 * 6 + 6}
    assert entry.shares == {kind: size / sum(sizes.values()) for kind, size in sizes.items()}


def test_smaller_layers_are_shrunk():
    assert kinds(hand_over(network(a=6), network(a=4), "subset")) == {
        "copied": ["output/b"],
        "shrunk": ["a/W", "a/b", "output/W"],
    }


def test_rows_in_another_order_are_reordered():
    old, new = network(a=4, b=4), network(a=4, b=4)
    for net, sources in ((old, ["a", "b"]), (new, ["b", "a"])):
        net["b"]["from"], net["output"]["from"] = "data", sources
    assert kinds(hand_over(old, new, "subset_by_source"))["reordered"] == ["output/W"]


def test_reinitialised_parameters_have_their_old_shape():
    entry = hand_over(network(a=4), network(a=6), "ifpossible")
    assert [change.old for change in entry.kinds["initialised"]] == [(5, 4), (4,), (4, 3)]


def test_dropped_parameters_have_their_old_shape():
    entry = hand_over(network(a=4, b=4), network(a=4))
    assert [(change.path, change.old, change.new) for change in entry.kinds["dropped"]] == [
        ("b/W", (4, 4), None), ("b/b", (4,), None),
    ]  # fmt: skip
    assert "dropped" not in entry.shares


def test_inserted_layers_start_as_the_identity():
    old, new = network(a=4), network(a=4, b=4)
    for net in (old, new):
        for layer in net.values():
            layer["activation"] = "relu" if layer["class"] == "linear" else "softmax"
    assert kinds(hand_over(old, new, "deepen"))["identity"] == ["b/W", "b/b"]


def test_a_layer_initialised_from_another_names_it(finished):
    entry = hand_over(network(a=5), network(a=5, b=5), init_from={"b": "a"})
    assert entry.sources == ["b ← a"]
    assert {change.path: change.source for change in entry.kinds["copied"]} == {
        "a/W": None, "a/b": None, "b/W": "a", "b/b": "a", "output/W": None, "output/b": None,
    }  # fmt: skip
    assert "1 layer from another layer b ← a" in text_of(render(report_of(finished, entry)))


def test_a_dropped_and_a_new_parameter_may_share_a_path():
    plain = {"copied": [], "grown": {}, "initialised": ["b/W"], "dropped": ["b/W"]}
    entry = HandOver(1, **plain, shapes={"b/W": [2, 3]}, old_shapes={"b/W": [7]})
    assert [(c.kind, c.old, c.new) for found in entry.kinds.values() for c in found] == [
        ("initialised", None, (2, 3)), ("dropped", (7,), None),
    ]  # fmt: skip


def test_page_has_a_line_and_a_table_per_hand_over(finished):
    text = text_of(render(report_of(finished, hand_over(network(a=4, aux=4), network(a=6, b=6), "subset"))))
    for expected in (
        "1 copied", "3 grown a, output", "2 initialised b", "2 dropped aux", "subset optimizer: grow", "from epoch 3",
        "5 × 4 → 5 × 6", "1 copied unchanged",
    ):  # fmt: skip
        assert expected in text


def test_growth_of_older_jobs_without_shapes_is_shown(finished):
    entry = {"phase": 1, "copied": ["a/W"], "grown": {"b/W": [[2, 3], [4, 5]]}, "initialised": ["c/W"], "dropped": []}
    text = text_of(render(report_of(finished, entry)))
    assert "2 × 3 → 4 × 5" in text
    assert "None" not in text


def test_no_section_without_growth(finished_html):
    assert "Hand-overs" not in finished_html
    assert "#hand-over" not in finished_html


def test_phase_table_links_to_the_hand_over(finished):
    page = Page(render(report_of(finished, hand_over({}, network(a=4)))))
    links = [value for name, value in page.attributes if name == "href" and value.startswith("#")]
    assert links == ["#hand-over-1"]
    assert ("id", "hand-over-1") in page.attributes


def test_names_of_parameters_are_escaped(finished):
    evil = "<script>alert(1)</script>\"'&{{ 7*7 }}"
    entry = {
        "phase": 1, "copied": [evil], "grown": {evil: [[1], [2]]}, "initialised": [evil], "dropped": [evil],
        "taken_from": {evil: evil}, "mode": evil, "carry_optimizer": evil,
    }  # fmt: skip
    page = Page(render(report_of(finished, entry)))
    assert "script" not in page.tags
    assert page.text.count(evil) >= 8


def test_an_entry_must_start_with_a_phase():
    entry = {"start": 4, "copied": [], "grown": {}, "initialised": [], "dropped": []}
    with pytest.raises(DataError, match="found an entry for epoch 4, at which no phase of the plan starts"):
        number_growth([entry], [{"first_epoch": 3, "phase": 1}])


@pytest.mark.parametrize(
    ("growth", "message"),
    [
        ([{"phase": 9}], r"growth\[0\]: found phase 9, which is not in the plan"),
        (
            [{"phase": 2}, {"phase": 1}],
            r"growth\[1\]: found phase 1, expected a later phase than that of the previous entry",
        ),
        (
            [{"phase": 1, "grown": {"a": [[1]]}}],
            r"growth\[0\].grown\['a'\]: found \[\[1\]\], expected the old and the new",
        ),
        ([{"phase": 1, "copied": [3]}], r"growth\[0\].copied\[0\]: found 3, expected a string"),
    ],
)
def test_growth_must_match_the_plan(finished, growth, message):
    empty = {"copied": [], "grown": {}, "initialised": [], "dropped": []}
    with pytest.raises(DataError, match=message):
        Report.load({**finished, "growth": [empty | entry for entry in growth]})
