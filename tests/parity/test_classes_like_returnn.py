"""Each layer class, loss and unit of RETURNN is here, or left out for a reason (tests/docs/left_out.py)."""

import subprocess
import sys

import pytest

import boulder.network.layers
import boulder.network.losses  # noqa: F401 (both register their classes)
from boulder.network.layer import LAYERS
from boulder.network.loss import LOSSES
from boulder.network.units.names import IN_REC, IN_RNN_CELL
from tests.docs import left_out

pytestmark = pytest.mark.parity

NAMES = """
import returnn.tf.layers.basic as basic
import returnn.tf.layers.rec as rec

layers = basic.get_layer_class_name_list()
basic.get_loss_class("ce")
rec.RecLayer._create_rnn_cells_dict()
for names in (layers, basic._LossClassDict, rec.RecLayer._rnn_cells_dict):
    print("NAMES", *sorted(names))
"""


@pytest.fixture(scope="module")
def names() -> list[set[str]]:
    """:return: RETURNN's layer classes, losses and units"""
    text = subprocess.run([sys.executable, "-c", NAMES], capture_output=True, text=True, check=True).stdout
    return [set(line.split()[1:]) for line in text.splitlines() if line.startswith("NAMES")]


def check(names: set[str], here: set[str], left_out: set[str]) -> None:
    assert not here & left_out, "both here and left out"
    assert not names - here - left_out, "neither here nor left out"
    assert not left_out - names, "RETURNN has no such class"


def test_layer_classes(names):
    check(names[0], set(LAYERS), set(left_out.LAYERS_LEFT_OUT))


def test_losses(names):
    check(names[1], set(LOSSES), set(left_out.LOSSES_LEFT_OUT))


def test_units(names):
    here = set(IN_REC) | set(IN_RNN_CELL)
    check(names[2], here, set(left_out.UNITS_LEFT_OUT))
