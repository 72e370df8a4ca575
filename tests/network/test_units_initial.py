"""Initial values of the constants among the parameters of recurrent units, as RETURNN sets them."""

import pytest

from boulder.network import describe
from boulder.network.initializers import initial_value


def initial(name: str, **unit_opts) -> dict:
    net = {"output": {"class": "rec", "from": "data", "unit": name, "n_out": 2, "unit_opts": unit_opts}}
    params = describe(net, {"data": {"dim": 3}}).params
    return {
        path.removeprefix("output/rec/"): initial_value(param.init, param.shape, 0, path).tolist()
        for path, param in params.items()
        if len(param.shape) == 1
    }


def test_the_bias_of_a_highway_opens_or_closes_the_transform_gate():
    assert initial("RHN") == {"b": [0, 0, 0, 0]}
    assert initial("RHN", transform_bias=-1.5) == {"b": [0, 0, -1.5, -1.5]}


def test_a_forget_bias_without_norms_is_in_the_bias():
    off = {"global_norm": False, "cell_norm": False, "forget_bias": 1.0}
    assert initial("LayerNormVariantsLSTM", **off) == {"bias_ff": [0, 0, 0, 0, 1, 1, 0, 0]}
    assert initial("LayerNormVariantsLSTM", **off, with_concat=True) == {"bias_ff_re": [0, 0, 0, 0, 1, 1, 0, 0]}


def test_a_forget_bias_of_a_norm_of_each_gate_is_in_the_beta_of_the_forget_gate():
    values = initial("LayerNormVariantsLSTM", global_norm=False, per_gate_norm=True, forget_bias=1.0, norm_shift=0.5)
    assert values["beta_f_gate"] == [1.5, 1.5]
    assert values["beta_i_gate"] == values["beta_j_gate"] == values["beta_o_gate"] == values["beta_new_c"] == [0.5, 0.5]


@pytest.mark.parametrize("options", [{}, {"global_norm": False, "global_norm_joined": True}])
def test_a_forget_bias_of_a_norm_of_all_gates_is_in_all_of_its_beta(options):
    values = initial("LayerNormVariantsLSTM", norm_gain=0.3, forget_bias=1.0, **options)
    (beta,) = (name for name in values if name in ("beta_input_below", "beta_lstm_in"))
    assert values[beta] == [1.0] * 8
    assert values[beta.replace("beta", "gamma")] == pytest.approx([0.3] * 8)


def test_other_biases_are_0():
    assert initial("BasicRNN") == {"basic_rnn_cell/bias": [0, 0]}
    assert initial("ZoneoutLSTM") == {"lstm_cell/bias": [0] * 8}
    assert initial("VanillaLSTM") == initial("NativeLstmLowMem") == {"b": [0] * 8}
