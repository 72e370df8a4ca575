"""Random stacks of layers, in training and in scoring, with old and new `behavior_version`s, have RETURNN's numbers."""

import numpy as np
import pytest

from boulder.network.behavior_version import with_behavior_version
from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.stacks.random_stacks import one_piece, random_stack
from tests.parity.stacks.stack import EXTERN_DATA, PIECES

pytestmark = pytest.mark.parity
VERSIONS = (0, 12, 21)
RAGGED, EQUAL = [7, 3, 5], [7, 7, 7]
STACKS = [*range(48), *sorted(PIECES)]
"""seeds, and names of pieces"""


def made(number: int, key: int | str) -> tuple[dict, dict]:
    """:return: the case with the net dict as RETURNN reads it; its net dict with the defaults of the version written in it"""
    net, layers, leaks = random_stack(key) if isinstance(key, int) else one_piece(key)
    version = VERSIONS[number % len(VERSIONS)]
    ours = with_behavior_version(net, version)
    lengths = EQUAL if leaks else RAGGED
    case = network_case(ours, EXTERN_DATA, {"data": lengths, "classes": lengths}, layers)
    for path, value in case["params"].items():
        if path.endswith("variance"):  # of a batch norm
            case["params"][path] = np.abs(value) + np.float32(0.3)
    return case | {"net": net, "behavior_version": version, "train": number % 2 == 0}, ours


@pytest.fixture(scope="module")
def stacks():
    return {key: made(number, key) for number, key in enumerate(STACKS)}


@pytest.fixture(scope="module")
def results(returnn, stacks):
    return run_cases(returnn, {key: case for key, (case, _) in stacks.items()})


@pytest.mark.parametrize("key", STACKS)
def test_a_stack_has_the_numbers_of_returnn(stacks, results, key):
    case, expected = results[key]
    compare(case | {"net": stacks[key][1]}, expected, train=stacks[key][0]["train"])
