"""Networks in the style of published setups give the same numbers as in RETURNN, in training and in search.

In RETURNN, a convolution or pooling reads the padding at the end of a sequence. Batches of convolutions have sequences of equal
length, and batches of pooling have lengths that are multiples of the pool size.
"""

import pytest

from tests.parity import published_style as style
from tests.parity.comparing import compare, compare_search, network_case, search_cases
from tests.parity.published_style import cell, linear, listener, lstm, pooled_encoder, transformer

pytestmark = pytest.mark.parity


def labels(dim: int) -> dict:
    return {"dim": dim, "sparse": True, "shape": (None,), "available_for_inference": True}


EXTERN_DATA = {
    "data": {"dim": 8, "shape": (None, 8)},
    "classes": labels(7),
    "frames": {"dim": 4, "shape": (None, 4)},
    "stop": {"dim": 1, "shape": (None, 1)},
    "phones": labels(9),
    "align": labels(6),
}
LENGTHS = {
    "data": [12, 6, 12], "classes": [5, 3, 4], "frames": [6, 4, 5], "stop": [6, 4, 5], "phones": [4, 6, 3], "align": [6, 3, 5],
}  # fmt: skip
EQUAL_LENGTHS = {key: [lengths[0]] * 3 for key, lengths in LENGTHS.items()}
ONE = {key: [lengths[0]] for key, lengths in LENGTHS.items()}

ENCODER = pooled_encoder()
AVERAGE = {"class": "reduce", "axes": "T", "mode": "mean", "from": "inner"}
INNER = {"output": linear(["data:source", "prev:output", "base:s"], 3, "tanh")}
SECOND = {
    "embed2": linear("data:phones", 5),
    "encoder2": lstm("embed2", 3),
    "enc2_ctx": linear("encoder2", 4),
}
NETWORKS = {
    "listener with heads, ctc": (
        listener(pooled_encoder(2, pools=(2,)), 2, beyond={"ctc": style.CTC}), LENGTHS,
    ),
    "listener kept in": (listener(ENCODER, options={"optimize_move_layers_out": False}), LENGTHS),
    "two decoder layers": (
        listener(
            ENCODER, s=lstm(["prev:target_embed", "prev:att"], 6), s2=lstm(["s", "att"], 5),
            readout_in=linear(["s2", "s", "att"], 8),
        ),
        LENGTHS,
    ),
    "residual decoder": (
        listener(
            ENCODER, s0=cell(["prev:target_embed", "prev:att"], 6), s1=cell("s0", 6), s=style.add("s0", "s1")
        ),
        LENGTHS,
    ),
    "location": (
        listener(ENCODER, accum_att_weights=style.add("prev:accum_att_weights", "att_weights"),
                 **style.located("prev:accum_att_weights", 3)),
        EQUAL_LENGTHS,
    ),
    "location of two features": (
        listener(ENCODER, feedback={"class": "copy", "from": ["prev:accum_att_weights", "prev:att_weights"]},
                 **style.located("feedback", 5)),
        EQUAL_LENGTHS,
    ),
    "two encoders": (
        listener(
            ENCODER | SECOND,
            s_transformed2=linear("s", 4, with_bias=False),
            energy_in2=style.add("base:enc2_ctx", "s_transformed2", activation="tanh"),
            energy2=linear("energy_in2", 1, with_bias=False),
            weights2={"class": "softmax_over_spatial", "from": "energy2"},
            att2={"class": "generic_attention", "weights": "weights2", "base": "base:encoder2"},
            readout_in=linear(["s", "prev:target_embed", "att", "att2"], 8),
        ),
        LENGTHS,
    ),
    "a loop in the decoder": (
        listener(
            ENCODER, inner={"class": "rec", "from": "base:encoder", "unit": INNER, "n_out": 3}, inner_mean=AVERAGE,
            readout_in=linear(["s", "inner_mean", "att"], 8),
        ),
        LENGTHS,
    ),
    "several losses": (
        listener(
            ENCODER,
            aux={"class": "softmax", "from": ["s"], "target": "classes", "loss": "ce", "loss_scale": 0.2},
            aux2=linear("att", 3, "tanh", loss="as_is", loss_scale=0.1, is_output_layer=True),
        ),
        LENGTHS,
    ),
    "translation": (
        listener(
            style.TRANSLATION, output=style.choice(1),
            s=cell(["prev:target_embed", "prev:att"], 6, "GRU", initial_state="base:init"),
        ),
        LENGTHS,
    ),
    "language model, frame indices": (
        listener(
            pooled_encoder(pools=(2,)),
            output=style.choice(input_type="log_prob") | {"from": "both"},
            lm_in=linear("prev:output", 4, with_bias=False),
            lm=lstm("lm_in", 4),
            lm_prob={"class": "softmax", "from": "lm", "n_out": 7},
            both={"class": "eval", "from": ["output_prob", "lm_prob"], "eval": "safe_log(source(0)) + 0.3 * safe_log(source(1))"},
            number={
                "class": "eval", "from": ":i", "eval": "tf.cast(source(0), tf.float32)", "out_type": {"dtype": "float32"},
            },
            numbered=style.add("s", "number"),
            readout_in=linear(["numbered", "prev:target_embed", "att"], 8),
        ),
        LENGTHS,
    ),
    "transformer": (transformer(), LENGTHS),
    "transformer kept in": (transformer(optimize_move_layers_out=False), LENGTHS),
    "convolutions in front, ctc": (style.VGG_CTC, ONE),
    "conformer": (style.CONFORMER_CTC, ONE),
    "synthesis": (style.TACOTRON, EQUAL_LENGTHS),
    "frame by frame": (style.FRAME_BY_FRAME, LENGTHS),
}  # fmt: skip
SEARCHES = (
    "language model, frame indices",
    "listener with heads, ctc", "two decoder layers", "location", "two encoders", "transformer", "frame by frame",
)  # fmt: skip
QUICK = ("listener with heads, ctc", "two decoder layers", "location", "transformer", "synthesis", "frame by frame")


def marked(names) -> list:
    """:return: names as parameters of a test, all but `QUICK` marked as slow"""
    return [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in names]


@pytest.fixture(scope="module")
def results(request, returnn):
    """:return: (name, whether to search) → cases and RETURNN's results, for the selected tests only"""
    cases = {}
    for item in request.session.items:
        if item.module is request.module:
            name, search = (
                item.callspec.params["name"],
                item.originalname == test_a_search_finds_the_same_labels.__name__,
            )
            network, lengths = NETWORKS[name]
            if search:
                network = {key: layer for key, layer in network.items() if key != "ctc"}
                cases[name, search] = search_cases(network, EXTERN_DATA, lengths, range(3), scale=1.5)
            else:
                cases[name, search] = [network_case(network, EXTERN_DATA, lengths, ())]
    expected = iter(returnn([case for group in cases.values() for case in group]))
    return {key: [(case, next(expected)) for case in group] for key, group in cases.items()}


@pytest.mark.parametrize("name", marked(NETWORKS))
def test_losses_and_gradients_match(results, name):
    for case, expected in results[name, False]:
        compare(case, expected)


@pytest.mark.parametrize("name", marked(SEARCHES))
def test_a_search_finds_the_same_labels(results, name):
    different = {labels for case, expected in results[name, True] for labels in compare_search(case, expected)}
    assert len(different) > 1
