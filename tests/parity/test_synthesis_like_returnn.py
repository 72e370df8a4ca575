"""The network of config/tts_network.py gives RETURNN's numbers in training, with its losses and gradients."""

import pytest

from boulder.speech.mel_frames import MelFrames
from boulder.speech.synthesis_data import streams
from config.tts_network import Size, network
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
MEL = MelFrames(filters=3, stacked=2)
EXTERN_DATA = {
    key: stream | {"shape": (None,) if stream.get("sparse") else (None, stream["dim"])}
    for key, stream in streams("abcde", MEL).items()
}
LENGTHS = {"data": [5, 5, 5], "spectrogram": [7, 4, 6], "is_last": [7, 4, 6], "reached": [7, 4, 6]}


def without_dropout(net: dict) -> dict:
    """RETURNN draws other random numbers. A convolution of RETURNN reads the padding, so all texts have one length."""
    for name in ("prenet2", "prenet"):
        net["decoder"]["unit"][name]["dropout"] = 0.0
    return net


SIZE = Size(convolutions=2, encoder=4, decoder=5, prenet=3)


def test_training_equals_returnns(returnn):
    """The search has no reference: RETURNN fails there, with "buggy search choices resolution"."""
    net = without_dropout(network(Size(convolutions=2, encoder=4, decoder=5, prenet=3), MEL))
    case = network_case(net, EXTERN_DATA, LENGTHS, ("decoder", "output"))
    compare(*run_cases(returnn, {"training": case})["training"])
