import pytest

from boulder.schedule.labels import index_label, phase_name


@pytest.mark.parametrize(
    ("index", "label", "name"), [(0, "index 0", "00"), (12, "index 12", "12"), (None, "original network", "final")]
)
def test_an_index_has_a_label_and_its_phase_a_name(index, label, name):
    assert (index_label(index), phase_name(index)) == (label, name)
