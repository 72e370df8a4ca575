"""CTC losses of a RETURNN config decode with RETURNN's beam."""

from boulder.returnn.default_beam import with_default_beam

CTC = {"class": "softmax", "loss": "ctc"}
OTHERS = {
    "own": CTC | {"loss_opts": {"beam_width": 4}},
    "native": CTC | {"loss_opts": {"use_native": True}},
    "wrong": CTC | {"loss_opts": "beam_width=4"},
    "ce": {"class": "softmax", "loss": "ce"},
    "plain": {"class": "linear", "loss_opts": {"loss": "ctc"}},
}


def test_losses_without_a_beam_width_get_that_of_returnn():
    beam = CTC | {"loss_opts": {"beam_width": 100}}
    found = with_default_beam({"ctc": CTC, "loop": {"class": "rec", "unit": {"output": CTC}}, **OTHERS})
    assert found == {"ctc": beam, "loop": {"class": "rec", "unit": {"output": beam}}, **OTHERS}
    scaled = with_default_beam({"ctc": CTC | {"loss_opts": {"scale": 0.5, "use_native": False}}})
    assert scaled["ctc"]["loss_opts"] == {"scale": 0.5, "use_native": False, "beam_width": 100}


def test_other_networks_stay_as_they_are():
    assert with_default_beam(OTHERS) is OTHERS
