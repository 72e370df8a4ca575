"""Options of `linear` and `activation` give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}, "classes": {"dim": 3, "sparse": True, "shape": (None,)}}
LENGTHS = {"data": [5, 2, 4], "classes": [5, 2, 4]}
H = {"h": {"class": "linear", "from": "data", "n_out": 4, "activation": "sigmoid", "use_transposed_weights": True}}
CASES = {
    "transposed": {"class": "linear", "from": ["h", "data"], "n_out": 5, "use_transposed_weights": True},
    "transposed embedding": {"class": "linear", "from": "data:classes", "n_out": 5, "use_transposed_weights": True},
    "transposed softmax": {"class": "softmax", "from": "h", "n_out": 5, "use_transposed_weights": True},
    # sigmoid is in no network of these: RETURNN's safe_log of it is log_sigmoid; its gradient below `eps` differs, too
    "safe_log": {"class": "activation", "from": "shifted", "activation": "safe_log", "opts": {"eps": 0.01}},
    "leaky_relu": {"class": "activation", "from": "data", "activation": "leaky_relu", "opts": {"alpha": 0.3}},
}
SHIFTED = {"shifted": {"class": "eval", "from": "h", "eval": "source(0) + 0.1"}}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, layer in CASES.items():
        square = {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}
        cases[name] = network_case(H | SHIFTED | {"x": layer, "output": square}, EXTERN_DATA, LENGTHS, ("x",))
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])
