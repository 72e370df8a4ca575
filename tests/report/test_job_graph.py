"""The picture of a job graph: contents and layout."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.report.graph_layout import arrange, without_detours
from boulder.report.graph_picture import JobBox, draw_graph

BOXES = [
    JobBox("data", "LexiconToHdfJob", "finished"),
    JobBox("0", "g2p/phase.00", "finished", "2/2 epochs"),
    JobBox("1", "g2p/phase.01", "running", "1/2 epochs", is_stale=True),
    JobBox("report", 'the "report" & more', "error"),
]
EDGES = [("data", "0"), ("data", "1"), ("0", "1"), ("0", "report"), ("1", "report")]
HAND_OVERS = [("0", "1")]


def test_svg_contains_name_and_state_of_each_job(tmp_path):
    path = tmp_path / "graph.svg"
    draw_graph(BOXES, EDGES, HAND_OVERS, str(path))
    text = path.read_text()
    for expected in ("g2p/phase.00", "finished · 2/2 epochs", "running · stale · 1/2 epochs", "error"):
        assert expected in text
    assert "the &quot;report&quot; &amp; more" in text or 'the "report" &amp; more' in text
    first = path.read_bytes()
    draw_graph(BOXES, EDGES, HAND_OVERS, str(path))
    assert path.read_bytes() == first


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")])
def test_the_suffix_sets_the_format(tmp_path, suffix, begins):
    path = tmp_path / f"graph.{suffix}"
    draw_graph(BOXES, EDGES, HAND_OVERS, str(path))
    assert path.read_bytes().startswith(begins)


def test_dot_distinguishes_hand_overs(tmp_path):
    path = tmp_path / "graph.dot"
    draw_graph(BOXES, EDGES, HAND_OVERS, str(path))
    edges = re.findall(r'"(.*)" -> "(.*)"( \[.*\])?;', path.read_text())
    assert [(a, b, not style) for a, b, style in edges] == [
        ("data", "0", False),
        ("0", "1", True),
        ("1", "report", False),
    ]
    assert 'label="the \\"report\\" & more\\nerror"' in path.read_text()


def test_an_unknown_suffix_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"graph.svgz: found '.svgz', expected one of .svg, .png, .pdf, .dot"):
        draw_graph(BOXES, EDGES, HAND_OVERS, "graph.svgz")


def test_implied_edges_are_left_out_unless_kept():
    assert without_detours(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")]) == [("a", "b"), ("b", "c")]
    kept = without_detours(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")], keep=[("a", "c")])
    assert ("a", "c") in kept


def test_a_chain_of_hand_overs_is_straight():
    arranged = arrange(
        ["d", "e", "0", "1", "2", "s"],
        [("d", "0"), ("e", "0"), ("0", "1"), ("1", "2"), ("2", "s"), ("e", "s")],
    )
    assert len({round(arranged.positions[name][0], 6) for name in "012"}) == 1


@st.composite
def graphs(draw):
    names = [str(number) for number in range(draw(st.integers(1, 12)))]
    pairs = [(a, b) for number, b in enumerate(names) for a in names[:number]]
    return names, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@given(graphs())
def test_boxes_do_not_overlap_and_lines_go_down_from_box_to_box(graph):
    names, edges = graph
    arranged = arrange(names, edges)
    rows: dict[float, list[float]] = {}
    for x, y in arranged.positions.values():
        rows.setdefault(y, []).append(x)
    for row in rows.values():
        assert all(right - left >= 1 for left, right in pairwise(sorted(row)))
    for (source, target), points in arranged.lines.items():
        assert (points[0], points[-1]) == (arranged.positions[source], arranged.positions[target])
        assert [y for _, y in points] == [points[0][1] + step for step in range(len(points))]
        for x, y in points[1:-1]:  # the line passes between the boxes of the layer
            assert all(abs(x - other) > 0.5 for other in rows.get(y, []))


@given(graphs())
def test_transitive_reduction_preserves_reachability(graph):
    names, edges = graph

    def reached(shown):
        above = {}
        for name in names:
            direct = {a for a, b in shown if b == name}
            above[name] = direct.union(*(above[a] for a in direct))
        return above

    assert reached(without_detours(names, edges)) == reached(edges)
