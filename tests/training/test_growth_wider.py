"""`net2wider` preserves the function of the network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.training.growth import GrowthOptions
from boulder.training.scores import read_scores
from tests.tiny import network, phase, scheduled
from tests.training.preserved import CHANGES, FEW, NOISE, blstm, check_is_preserved, hidden, linear, refused

WIDTHS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5)), min_size=1, max_size=3)


@FEW
@given(WIDTHS, st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), NOISE)
def test_law_a_wider_blstm_computes_the_same(widths, embedding, wider, seed, noise):
    old_net, new_net = blstm([n for n, _ in widths], embedding), blstm([n + k for n, k in widths], embedding + wider)
    _, report = check_is_preserved(old_net, new_net, "net2wider", noise=noise, seed=seed)
    assert report.initialised == report.dropped == []


HIDDEN = st.sampled_from([None, "relu", "tanh", "sigmoid"])


@FEW
@given(HIDDEN, HIDDEN, st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), NOISE)
def test_law_wider_through_layers_without_parameters(one, two, a, b, c, noise):
    """A linear layer reads a copy of two layers, an activation and a data stream of features."""

    def net(n_a, n_b, n_c):
        return {
            "a": linear("data:x", n_a, one),
            "b": linear(["a", "data:x"], n_b, two),
            "both": {"class": "copy", "from": ["b", "a"]},
            "act": {"class": "activation", "activation": "tanh", "from": ["both", "data:x"]},
            "again": {"class": "dropout", "from": "act", "dropout": 0.3},
            "c": linear(["again", "b"], n_c, "relu"),
            "output": {"class": "softmax", "from": ["c", "both"], "loss": "ctc"},
        }

    check_is_preserved(net(2, 3, 4), net(2 + a, 3 + b, 4 + c), "net2wider", noise=noise)


def test_replicas_are_copies_and_noise_makes_their_outgoing_weights_differ():
    new, _ = check_is_preserved(blstm([1]), blstm([3]), "net2wider")
    assert (new["fw0/rec/b"].reshape(4, 3) == new["fw0/rec/b"].reshape(4, 3)[:, :1]).all()
    assert (new["output/W"][:3] == new["output/W"][0]).all()
    new, _ = check_is_preserved(blstm([1]), blstm([3]), "net2wider", noise=0.5)
    assert len(np.unique(new["output/W"][:3, 0])) == 3


def test_another_seed_replicates_other_units():
    biases = [check_is_preserved(blstm([4]), blstm([8]), "net2wider", seed=n)[0]["fw0/rec/b"] for n in (1, 1, 2)]
    assert (biases[0] == biases[1]).all()
    assert (biases[0] != biases[2]).any()


def test_a_new_source_is_added_without_a_change():
    new_net = blstm([3, 2])
    new_net["extra"] = linear("embedding", 4)
    new_net["fw1"]["from"] = ["extra", "fw0", "bw0"]
    new, report = check_is_preserved(blstm([2, 2]), new_net, "net2wider")
    assert (new["fw1/rec/W"][:4] == 0).all()
    assert report.initialised == ["extra/W", "extra/b"]


def test_a_renamed_layer_is_widened():
    new_net = blstm([3])
    new_net["up"] = new_net.pop("fw0")
    new_net["output"]["from"] = ["up", "bw0"]
    _, report = check_is_preserved(blstm([2]), new_net, "net2wider", init_from={"up": "fw0"})
    assert report.taken_from["up/rec/W"] == "fw0"


def change(net: dict, **layers) -> dict:
    return net | {name: net.get(name, {}) | options for name, options in layers.items()}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            blstm([3]),
            blstm([2]),
            "layer 'bw0' would shrink from 3 to 2 units; use copy_param_mode 'subset_by_source'" + CHANGES,
        ),
        (
            blstm([2]),
            blstm([2, 2]),
            "layer 'output' (softmax) no longer reads 'fw0', 'bw0'; 'deepen' puts layers in between" + CHANGES,
        ),
        (
            blstm([2], hidden=hidden(2, "softmax")),
            blstm([2], hidden=hidden(3, "softmax")),
            "layer 'h' (linear) has the activation softmax, which is over all its units, and layer 'h' gets wider, from 2 to 3; "
            "keep its width" + CHANGES,
        ),
        (
            change(
                blstm([2]), aux={"class": "eval", "from": "fw0", "eval": "source(0)[:, ::2]", "is_output_layer": True}
            ),
            change(
                blstm([3]), aux={"class": "eval", "from": "fw0", "eval": "source(0)[:, ::2]", "is_output_layer": True}
            ),
            "layer 'aux' (eval) reads 'fw0', whose axis feature gets wider, from 2 to 3, and does not treat its units one by one; "
            "keep the width of what it reads" + CHANGES,
        ),
        (
            blstm([2], hidden=hidden(2)),
            blstm([2], hidden=hidden(2, with_bias=False)),
            "parameter 'h/b' is missing in a layer that still exists" + CHANGES,
        ),
        (
            blstm([2], hidden=hidden(2, with_bias=False)),
            blstm([2], hidden=hidden(2)),
            "parameter 'h/b' is new in a layer that is not new" + CHANGES,
        ),
        (
            blstm([2], hidden=hidden(2)),
            blstm([2], hidden={"h": {"class": "rec", "n_out": 2}}),
            "layer 'h' (rec) was of class 'linear'" + CHANGES,
        ),
    ],
)
def test_a_change_of_the_function_is_an_error_with_the_reason(old, new, message):
    assert refused(old, new, "net2wider") == f"growth by net2wider: {message}"


def test_an_output_layer_cannot_be_widened():
    old, new = blstm([2]), blstm([2])
    old["aux"] = linear("fw0", 2) | {"is_output_layer": True}
    new["aux"] = linear("fw0", 3) | {"is_output_layer": True}
    assert refused(old, new, "net2wider") == (
        "growth by net2wider: layer 'aux' gets wider along its axis feature, from 2 to 3, and only the outside reads it"
        + CHANGES
    )


@pytest.mark.parametrize("noise", [-0.1, 1, True, "x"])
def test_noise_must_be_a_number_from_0_to_below_1(noise):
    with pytest.raises(ConfigError, match="'noise' must be a number from 0 to below 1, found"):
        GrowthOptions(noise=noise)


# In training


@pytest.mark.long
@pytest.mark.parametrize("noise", [pytest.param(0.0, marks=pytest.mark.slow), 0.5])
def test_the_dev_score_is_preserved(training, tmp_path, noise):
    first = phase(0, range(1, 4), network(2, 4))
    wider = phase(1, range(4, 5), network(2, 7)) | {"copy_param_mode": "net2wider", "growth_noise": noise}
    training([first, wider | {"learning_rate_control": scheduled([1e-12], wider["first_epoch"])}])
    costs = [record["dev"]["cost:output"] for record in read_scores(tmp_path / "run/scores.jsonl")]
    assert costs[3] == pytest.approx(costs[2], rel=1e-5)
    assert costs[2] != pytest.approx(costs[1], rel=1e-5)


def residual(width: int) -> dict:
    """A residual block with layer norm and attention, on the data of tests/tiny.py."""
    return {
        "embedding": {"class": "linear", "activation": None, "n_out": width, "from": "data", "with_bias": False},
        "norm": {"class": "layer_norm", "from": "embedding"},
        "att": {"class": "self_attention", "from": "norm", "num_heads": 2, "total_key_dim": width, "n_out": width},
        "projected": linear("att", width),
        "sum": {"class": "combine", "kind": "add", "from": ["embedding", "projected"]},
        "output": {"class": "softmax", "from": "sum", "loss": "ctc"},
    }


@pytest.mark.slow
def test_the_dev_score_of_a_residual_network_is_preserved(training, tmp_path):
    first = phase(0, range(1, 4), residual(4))
    wider = phase(1, range(4, 5), residual(8)) | {"copy_param_mode": "net2wider", "growth_noise": 0.5}
    control = scheduled([1e-12], wider["first_epoch"])
    training([first, wider | {"learning_rate_control": control, "carry_optimizer": "grow"}])
    costs = [record["dev"]["cost:output"] for record in read_scores(tmp_path / "run/scores.jsonl")]
    assert costs[2] != pytest.approx(costs[1], rel=1e-5)
    assert costs[3] == pytest.approx(costs[2], rel=1e-5)
