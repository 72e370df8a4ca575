"""docs/layers.md describes every layer class, unit and loss. `python -m tests.docs.test_layers` updates it."""

from pathlib import Path

import pytest

from tests.docs.layer_document import descriptions, document, layers, losses, units

DOCUMENT = Path(__file__).parents[2] / "docs/layers.md"
MARK = "<!-- classes -->\n"
CLASSES = [*layers(), *units(), *losses()]


def test_the_document_is_complete():
    """`python -m tests.docs.test_layers` updates it."""
    assert DOCUMENT.read_text().split(MARK)[1].strip() == document().strip()


@pytest.mark.parametrize("documented", CLASSES, ids=lambda documented: documented.heading)
def test_a_class_says_what_it_computes_and_what_its_options_are(documented):
    assert documented.summary, f"{documented.cls.__name__} needs a docstring whose first sentence says what it computes"
    undocumented = [name for name, _, text in documented.options() if not text and name not in descriptions_of_bases()]
    assert not undocumented, f"{documented.cls.__name__} needs ':param {undocumented[0]}: …' in its docstring"


def descriptions_of_bases() -> set[str]:
    from tests.docs.layer_document import SHARED

    return {name for base in SHARED for name in descriptions(base)}


@pytest.mark.parametrize("documented", layers(), ids=lambda documented: documented.heading)
def test_a_layer_names_its_class_in_returnn(documented):
    assert documented.returnn, f"the docstring of {documented.cls.__name__} needs 'RETURNN: XLayer.'"


if __name__ == "__main__":
    DOCUMENT.write_text(DOCUMENT.read_text().split(MARK)[0] + MARK + "\n" + document() + "\n")
