"""The report says of each hand-over what became of which parameter, as the growth report of the training job has it."""

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
    """:return: as a training job writes and the report reads it"""
    old_spec, new_spec = (describe(net, EXTERN_DATA) if net else None for net in (old, new))
    growth = GrowthOptions(network=new_spec, **options)
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


def test_of_the_first_phase_all_is_initialised():
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


def test_what_gets_smaller_is_shrunk():
    assert kinds(hand_over(network(a=6), network(a=4), "subset")) == {
        "copied": ["output/b"],
        "shrunk": ["a/W", "a/b", "output/W"],
    }


def test_rows_that_stand_in_another_order_are_reordered():
    old, new = network(a=4, b=4), network(a=4, b=4)
    for net, sources in ((old, ["a", "b"]), (new, ["b", "a"])):
        net["b"]["from"], net["output"]["from"] = "data", sources
    assert kinds(hand_over(old, new, "subset_by_source"))["reordered"] == ["output/W"]


def test_what_is_initialised_though_it_was_there_tells_its_old_shape():
    entry = hand_over(network(a=4), network(a=6), "ifpossible")
    assert [change.old for change in entry.kinds["initialised"]] == [(5, 4), (4,), (4, 3)]


def test_dropped_parameters_have_their_old_shape():
    entry = hand_over(network(a=4, b=4), network(a=4))
    assert [(change.path, change.old, change.new) for change in entry.kinds["dropped"]] == [
        ("b/W", (4, 4), None), ("b/b", (4,), None),
    ]  # fmt: skip
    assert "dropped" not in entry.shares


def test_layers_in_between_start_as_the_identity(finished):
    old, new = network(a=4), network(a=4, b=4)
    for net in (old, new):
        for layer in net.values():
            layer["activation"] = "relu" if layer["class"] == "linear" else "softmax"
    assert kinds(hand_over(old, new, "deepen"))["identity"] == ["b/W", "b/b"]


def test_a_layer_that_takes_the_values_of_another_names_it(finished):
    entry = hand_over(network(a=5), network(a=5, b=5), init_from={"b": "a"})
    assert entry.sources == ["b ← a"]
    assert {change.path: change.source for change in entry.kinds["copied"]} == {
        "a/W": None, "a/b": None, "b/W": "a", "b/b": "a", "output/W": None, "output/b": None,
    }  # fmt: skip
    assert "1 layer from another b ← a" in text_of(render(report_of(finished, entry)))


def test_a_name_that_was_given_anew_is_another_parameter():
    plain = {"copied": [], "grown": {}, "initialised": ["b/W"], "dropped": ["b/W"]}
    entry = HandOver(1, **plain, shapes={"b/W": [2, 3]}, old_shapes={"b/W": [7]})
    assert [(c.kind, c.old, c.new) for found in entry.kinds.values() for c in found] == [
        ("initialised", None, (2, 3)), ("dropped", (7,), None),
    ]  # fmt: skip


def test_the_page_has_a_line_and_a_table_for_each_hand_over(finished):
    text = text_of(render(report_of(finished, hand_over(network(a=4, aux=4), network(a=6, b=6), "subset"))))
    for expected in (
        "1 copied", "3 grown a, output", "2 initialised b", "2 dropped aux", "subset optimizer: grow", "from epoch 3",
        "5 × 4 → 5 × 6", "1 copied unchanged",
    ):  # fmt: skip
        assert expected in text


def test_growth_of_jobs_that_did_not_tell_shapes_is_shown(finished):
    entry = {"phase": 1, "copied": ["a/W"], "grown": {"b/W": [[2, 3], [4, 5]]}, "initialised": ["c/W"], "dropped": []}
    text = text_of(render(report_of(finished, entry)))
    assert "2 × 3 → 4 × 5" in text
    assert "None" not in text


def test_without_growth_there_is_no_such_section(finished_html):
    assert "Hand-overs" not in finished_html
    assert "#hand-over" not in finished_html


def test_the_table_of_phases_leads_to_the_hand_over(finished):
    page = Page(render(report_of(finished, hand_over({}, network(a=4)))))
    links = [value for name, value in page.attributes if name == "href" and value.startswith("#")]
    assert links == ["#hand-over-1"]
    assert ("id", "hand-over-1") in page.attributes


def test_hostile_names_of_parameters_stay_text(finished):
    evil = "<script>alert(1)</script>\"'&{{ 7*7 }}"
    entry = {
        "phase": 1, "copied": [evil], "grown": {evil: [[1], [2]]}, "initialised": [evil], "dropped": [evil],
        "taken_from": {evil: evil}, "mode": evil, "carry_optimizer": evil,
    }  # fmt: skip
    page = Page(render(report_of(finished, entry)))
    assert "script" not in page.tags
    assert page.text.count(evil) >= 8


def test_an_entry_of_no_phase_is_refused():
    entry = {"start": 4, "copied": [], "grown": {}, "initialised": [], "dropped": []}
    with pytest.raises(DataError, match="an entry starts at epoch 4, where no phase of the plan begins"):
        number_growth([entry], [{"first_epoch": 3, "phase": 1}])


@pytest.mark.parametrize(
    ("growth", "message"),
    [
        ([{"phase": 9}], r"growth\[0\]: belongs to phase 9, which is not in the plan"),
        (
            [{"phase": 2}, {"phase": 1}],
            r"growth\[1\]: belongs to phase 1, expected a later phase than that of the entry before",
        ),
        (
            [{"phase": 1, "grown": {"a": [[1]]}}],
            r"growth\[0\].grown\['a'\]: found \[\[1\]\], expected an old and a new",
        ),
        ([{"phase": 1, "copied": [3]}], r"growth\[0\].copied\[0\]: found 3, expected a text"),
    ],
)
def test_growth_that_contradicts_the_plan_is_refused(finished, growth, message):
    empty = {"copied": [], "grown": {}, "initialised": [], "dropped": []}
    with pytest.raises(DataError, match=message):
        Report.load({**finished, "growth": [empty | entry for entry in growth]})
