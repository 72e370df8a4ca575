"""Each option of RETURNN's layer classes and losses is an option here, or refused with a reason."""

import subprocess
import sys

import pytest

import boulder.network.layers
import boulder.network.losses  # noqa: F401 (both register their classes)
from boulder.network.layer import LAYERS
from boulder.network.loop.layer import Loop
from boulder.network.loss import LOSSES
from boulder.network.option_parsing import known_options, refused_options

pytestmark = pytest.mark.parity

SCRIPT = """
import inspect
from returnn.tf.layers import basic

def options(cls):
    found = set()
    for base in cls.__mro__[:-1]:
        if "__init__" in base.__dict__:
            parameters = inspect.signature(base.__init__).parameters.values()
            found |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
            if not any(p.kind == p.VAR_KEYWORD for p in parameters):
                break
    return sorted(name for name in found if name[0] != "_")

for name in basic.get_layer_class_name_list():
    print("CLASS layer", name, *options(basic.get_layer_class(name)))
basic.get_loss_class("ce")
for name, cls in basic._LossClassDict.items():
    print("CLASS loss", name, *options(cls))
"""
INTERNAL = {"self", "name", "network", "output", "base_network"}
"""arguments that RETURNN sets itself"""
NAMES = {"sources": "from"}


@pytest.fixture(scope="module")
def options() -> dict[tuple[str, str], set[str]]:
    """:return: ("layer" or "loss", name) → RETURNN's options"""
    text = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout
    lines = [line.split()[1:] for line in text.splitlines() if line.startswith("CLASS ")]
    return {(kind, name): set(found) - INTERNAL for kind, name, *found in lines}


def unknown(cls: type, found: set[str]) -> set[str]:
    return {NAMES.get(name, name) for name in found} - set(known_options(cls)) - set(refused_options(cls))


def test_no_option_of_a_layer_is_unknown(options):
    missing = {name: unknown(cls, options["layer", name]) for name, cls in LAYERS.items() if ("layer", name) in options}
    missing["rec with a net dict"] = unknown(Loop, options["layer", "rec"])
    assert len(missing) > 120
    assert {name: names for name, names in missing.items() if names} == {}


def test_no_option_of_a_loss_is_unknown(options):
    missing = {name: unknown(cls, options["loss", name]) for name, cls in LOSSES.items() if ("loss", name) in options}
    assert len(missing) > 15
    assert {name: names for name, names in missing.items() if names} == {}


def test_refused_options_are_those_of_returnn(options):
    """So that nothing is refused with a reason that is about another toolkit, or a typing error."""
    for kind, classes in (("layer", LAYERS), ("loss", LOSSES)):
        for name, cls in classes.items():
            if (kind, name) in options:
                own = {option for base in cls.__mro__ for option in base.__dict__.get("refused", {})}
                assert own <= options[kind, name], name
