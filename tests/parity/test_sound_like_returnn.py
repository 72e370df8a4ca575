"""The steps from samples of sound to features, and back, give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 1, "shape": (None, 1)}, "features": {"dim": 9, "shape": (None, 9)}}
RAGGED, EQUAL = {"data": [50, 31, 44], "features": [4, 2, 3]}, {"data": [50, 50], "features": [4, 4]}
STFT = {"class": "stft", "from": "data", "frame_shift": 5, "frame_size": 12, "fft_size": 16}
SPECTRA = {"bins": {"class": "activation", "from": "stft", "activation": "abs"}}
MEL = {"class": "mel_filterbank", "sampling_rate": 8000, "fft_size": 16, "nr_of_filters": 5, "n_out": 5}
NETS = {
    "stft": {"stft": STFT} | SPECTRA | {"x": {"class": "copy", "from": "bins"}},
    "stft without fft_size": {"stft": STFT | {"fft_size": None}} | SPECTRA | {"x": {"class": "copy", "from": "bins"}},
    "mel filters": {"x": MEL | {"from": "data:features"}},
    "mel filters from to": {"x": MEL | {"from": "data:features", "f_min": 100, "f_max": 3000}},
    **{f"dct {i} {norm}": {"x": {"class": "dct", "from": "data:features", "type": i, "norm": norm}} for i, norm in ((2, None), (2, "ortho"), (3, "ortho"))},
}  # fmt: skip
# RETURNN builds neither alternating_real_to_complex nor complex_to_alternating_real
INVERSE = {
    "istft": {"stft": STFT, "x": {"class": "istft", "from": "stft", "frame_shift": 5, "frame_size": 12, "fft_size": 16}}
}


def net(layers: dict) -> dict:
    output = {"class": "linear", "from": "x", "n_out": 3, "activation": "tanh", "loss": "as_is"}
    return layers | {"output": output}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {key: network_case(net(layers), EXTERN_DATA, RAGGED, ("x",)) for key, layers in NETS.items()}
    cases |= {key: network_case(net(layers), EXTERN_DATA, EQUAL, ("x",)) for key, layers in INVERSE.items()}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", [*NETS, *INVERSE])
def test_outputs_losses_and_gradients(name, results):
    compare(*results[name])
