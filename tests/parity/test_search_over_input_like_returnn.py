"""Searches of a loop over an input: with a layer `end`, it ends hypotheses before the input ends, as in RETURNN."""

import pytest

from tests.parity.comparing import compare_search, run_cases, search_cases
from tests.parity.published_style import linear, lstm

pytestmark = pytest.mark.parity
LABELS = {"dim": 4, "sparse": True, "shape": (None,)}
LIMIT = 9
EXTERN_DATA = {"data": {"dim": 5, "shape": (None, 5)}, "classes": LABELS}


def network(end: bool, **choice) -> dict:
    output = {"class": "choice", "from": "prob", "target": "classes", "beam_size": 3, "initial_output": 1, **choice}
    unit = {
        "embedding": linear("prev:output", 4),
        "hidden": linear(["data:source", "embedding"], 6, "tanh"),
        "prob": {"class": "softmax", "from": "hidden", "n_out": 4},
        "output": output,
    }
    if end:
        unit["end"] = {"class": "compare", "from": "output", "value": 0}
    return {
        "encoder": lstm("data", 4),
        "output": {"class": "rec", "from": "encoder", "unit": unit, "max_seq_len": LIMIT, "target": "classes"},
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }


NETWORKS = {
    "with an end": network(True),
    "with an end, without normalisation": network(True, length_normalization=False),
    "without an end": network(False),
}
LENGTHS = {"as long as the limit": [LIMIT] * 3, "longer": [12]}
"""RETURNN goes on in the padding of the input of shorter sequences, and fails after the end of the longest one"""


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, net in NETWORKS.items():
        for lengths, of in LENGTHS.items():
            searches = search_cases(net, EXTERN_DATA, {"data": of, "classes": of}, range(4), scale=2.0)
            cases |= {(name, lengths, number): case for number, case in enumerate(searches)}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_search_finds_the_same_labels(results, name, lengths):
    found = {labels for number in range(4) for labels in compare_search(*results[name, lengths, number])}
    assert len(found) > 2
    if "with an end" in name:
        assert min(map(len, found)) < LIMIT
