"""Decoders with local and monotonic attention give the same numbers as in RETURNN, in training and in search."""

import pytest

from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases
from tests.parity.monotonic_style import DECODERS

pytestmark = pytest.mark.parity
LABELS = {"dim": 7, "sparse": True, "shape": (None,), "available_for_inference": True}
EXTERN_DATA = {"data": {"dim": 8, "shape": (None, 8)}, "classes": LABELS}
LENGTHS = {"data": [12, 6, 10], "classes": [5, 3, 4]}
EQUAL_LENGTHS = {key: [lengths[0]] * 3 for key, lengths in LENGTHS.items()}
"""for convolutions: RETURNN's read the padding"""


def lengths(name: str) -> dict:
    return EQUAL_LENGTHS if name == "gaussian" else LENGTHS


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, network in DECODERS.items():
        cases[name, None] = network_case(network, EXTERN_DATA, lengths(name), ())
        searches = search_cases(_beam(network), EXTERN_DATA, lengths(name), range(3), scale=1.5)
        cases |= {(name, number): case for number, case in enumerate(searches)}
    return run_cases(returnn, cases)


def _beam(network: dict) -> dict:
    unit = network["output"]["unit"]
    unit = {**unit, "output": unit["output"] | {"beam_size": 4}}
    return {**network, "output": network["output"] | {"unit": unit}}


@pytest.mark.parametrize("name", DECODERS)
def test_losses_and_gradients_match(results, name):
    compare(*results[name, None])


@pytest.mark.parametrize("name", DECODERS)
def test_a_search_finds_the_same_labels(results, name):
    different = {labels for number in range(3) for labels in compare_search(*results[name, number])}
    assert len(different) > 1
