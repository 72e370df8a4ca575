"""`net2wider` preserves the function of today's networks: residuals, normalization, attention, loops."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe, run_network
from boulder.returnn.provided.dims import SpatialDim
from tests.conformer import add, linear
from tests.training.blocks import BLOCKS, CTC, Widths, decoder, encoder
from tests.training.preserved import CHANGES, EXTERN_DATA, NOISE, check_is_preserved, refused, trained

NARROW, WIDE = Widths(), Widths(model=8, inner=5, heads=3, key=3, value=5)
SLOW = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("make", BLOCKS, ids=lambda make: make.__name__)
def test_each_block_computes_the_same(make):
    heads = (
        {"heads": 4} if make.__name__ == "conformer_block" else {}
    )  # its heads are as large as the rest of the model
    _, report = check_is_preserved(
        encoder([make, make], NARROW), encoder([make, make], replace(WIDE, **heads)), "net2wider", noise=0.5
    )
    assert report.initialised == report.dropped == []


@pytest.mark.slow
@SLOW
@given(st.data())
def test_law_random_blocks_compute_the_same(data):
    """Blocks in any order; each width grows on its own, the model's by a multiple where a layer normalizes over it."""
    blocks = data.draw(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=3))
    resnet_only = all(make is BLOCKS[0] for make in blocks)
    old = Widths(model=4, heads=2, inner=data.draw(st.integers(1, 3)), key=data.draw(st.integers(1, 3)))
    multiple = data.draw(st.sampled_from([1, 2, 3]))
    model = old.model + data.draw(st.integers(0, 5)) if resnet_only else multiple * old.model
    with_conformer = BLOCKS[3] in blocks
    heads = (
        old.heads * data.draw(st.sampled_from([1, 2])) if with_conformer else old.heads + data.draw(st.integers(0, 2))
    )
    new = Widths(
        model=model if model % heads == 0 or not with_conformer else 8,
        inner=old.inner + data.draw(st.integers(0, 4)),
        heads=heads,
        key=old.key + data.draw(st.integers(0, 3)),
        value=old.value + data.draw(st.integers(0, 3)),
    )
    if with_conformer and new.model // new.heads < old.model // old.heads:
        new = replace(new, heads=old.heads)
    check_is_preserved(
        encoder(blocks, old),
        encoder(blocks, new),
        "net2wider",
        noise=data.draw(NOISE),
        seed=data.draw(st.integers(0, 9)),
    )


@pytest.mark.parametrize("summed", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_decoder_with_attention_computes_the_same(summed):
    net = decoder(NARROW, summed)
    values, report = check_is_preserved(net, decoder(WIDE, summed), "net2wider", noise=0.5)
    assert report.initialised == report.dropped == []
    check_search_is_preserved(net, decoder(WIDE, summed), values)


@pytest.mark.slow
@SLOW
@given(
    st.booleans(),
    st.lists(st.integers(1, 3), min_size=4, max_size=4),
    st.lists(st.integers(0, 4), min_size=4, max_size=4),
    NOISE,
)
def test_law_decoders_compute_the_same(summed, widths, wider, noise):
    model, inner, key, value = widths
    old = Widths(model=model, inner=inner, key=key, value=value)
    new = Widths(model=model + wider[0], inner=inner + wider[1], key=key + wider[2], value=value + wider[3])
    check_is_preserved(decoder(old, summed), decoder(new, summed), "net2wider", noise=noise)


def check_search_is_preserved(old_net: dict, new_net: dict, new: dict) -> None:
    """The values that `check_is_preserved` has grown find the same hypotheses."""
    random = np.random.default_rng(4)
    data = {"x": tf.constant(random.normal(size=(2, 7, 3)).astype("float32"))}
    found = []
    for net, values in ((old_net, trained(describe(old_net, EXTERN_DATA))), (new_net, new)):
        spec = describe(net, EXTERN_DATA, "search")
        params = {path: tf.constant(value) for path, value in values.items()}
        result = run_network(spec, params, data, {"x": tf.constant([7, 5])}, losses=False)
        scores = next(iter(result.beam_scores.values()))
        found.append((result.layers["hypotheses"].value.numpy(), scores.numpy()))
    np.testing.assert_array_equal(found[1][0], found[0][0])
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-5)


def test_two_dimensional_and_grouped_convolutions_compute_the_same():
    def net(width: int, groups: int) -> dict:
        conv = {"class": "conv", "filter_size": (3, 3), "padding": "same"}
        return {
            "image": {"class": "split_dims", "axis": "F", "dims": (-1, 1), "from": "data:x"},
            "a": conv | {"from": "image", "n_out": width, "with_bias": True, "activation": "relu"},
            "b": conv | {"from": "a", "n_out": 2 * width, "groups": groups},
            "c": conv | {"from": "b", "n_out": 2 * width, "groups": 2 * width},
            "sum": add("b", "c"),
            "pool": {"class": "pool", "mode": "avg", "pool_size": (1, 3), "padding": "same", "from": "sum"},
            "flat": {"class": "merge_dims", "axes": "static", "from": "pool"},
            "output": CTC | {"from": "flat"},
        }

    check_is_preserved(net(4, 2), net(8, 4), "net2wider", noise=0.5)


def test_parts_of_an_axis_are_replicated_apart():
    def net(width: int) -> dict:
        return {
            "all": linear("data:x", 3 * width, "tanh"),
            "parts": {"class": "split", "from": "all", "num_splits": 3},
            "gate": {"class": "gating", "from": ["parts/0", "parts/1"], "activation": None},
            "product": {"class": "combine", "kind": "mul", "from": ["gate", "parts/2"]},
            "half": {"class": "eval", "from": ["product", "gate"], "eval": "tf.nn.relu(source(0)) - 0.5 * source(1)"},
            "mean": {"class": "reduce", "mode": "mean", "axis": "T", "from": "half"},
            "back": add("half", "mean"),
            "output": CTC | {"from": "back"},
        }

    check_is_preserved(net(2), net(5), "net2wider", noise=0.5)


def fused_queries(heads: int, key: int, value: int) -> dict:
    """Queries, keys and values of all heads by one matrix, as programs generate it."""
    frames = SpatialDim("keys")
    tags, sizes = {"T": frames}, {"red1": "F", "red2": "F", "var1": "T", "var2": "T"}
    of_values = {"red1": frames, "red2": frames, "var1": "T", "var2": "F"}
    return {
        "h": linear("data:x", 4, "tanh"),
        "qkv": linear("h", heads * (2 * key + value)),
        "heads": {"class": "split_dims", "from": "qkv", "axis": "F", "dims": (heads, 2 * key + value)},
        "parts": {"class": "split", "from": "heads", "size_splits": [key, key, value]},
        "q": {"class": "eval", "from": "parts/0", "eval": f"source(0) * {key}**-0.5"},
        "k": {"class": "reinterpret_data", "from": "parts/1", "set_dim_tags": tags},
        "v": {"class": "reinterpret_data", "from": "parts/2", "set_dim_tags": tags},
        "energy": {"class": "dot", "from": ["q", "k"], **sizes},
        "weights": {"class": "softmax_over_spatial", "from": "energy", "axis": frames},
        "sums": {"class": "dot", "from": ["weights", "v"], **of_values},
        "merged": {"class": "merge_dims", "axes": "static", "from": "sums"},
        "output": CTC | {"from": "merged"},
    }


def test_queries_keys_and_values_of_one_matrix_are_divided_apart():
    check_is_preserved(fused_queries(2, 2, 3), fused_queries(3, 3, 5), "net2wider", noise=0.5)


def test_shared_parameters_are_widened_together():
    def net(width: int) -> dict:
        return {
            "a": linear("data:x", width, "tanh"),
            "b": linear("data:x", width, "tanh") | {"reuse_params": "a"},
            "sum": {"class": "combine", "kind": "mul", "from": ["a", "b"]},
            "output": CTC | {"from": "sum"},
        }

    check_is_preserved(net(2), net(5), "net2wider", noise=0.5)


def normalized(width: int) -> dict:
    return {
        "h": linear("data:x", width),
        "norm": {"class": "layer_norm", "from": "h"},
        "output": CTC | {"from": "norm"},
    }


def through(width: int, cls: str, **options) -> dict:
    """:return: a network in which a layer of the class reads a layer that gets wider"""
    return {
        "h": linear("data:x", width, "relu"),
        "layer": {"class": cls, "from": "h", **options},
        "output": CTC | {"from": "layer"},
    }


def positions(width: int) -> dict:
    return {
        "h": linear("data:x", width),
        "pos": {"class": "positional_encoding", "from": "h", "add_to_input": True},
        "output": CTC | {"from": "pos"},
    }


def products(width: int) -> dict:
    """The sum over the units of an activation, which no weights can correct."""
    return {
        "a": linear("data:x", width, "tanh"),
        "b": linear("data:x", width, "tanh"),
        "dot": {"class": "dot", "from": ["a", "b"], "red1": "F", "red2": "F", "var1": None, "var2": None},
        "output": CTC | {"from": ["dot"]},
    }


WIDER = "layer 'h' gets wider, from 2 to 3; keep its width"


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            normalized,
            "layer 'norm' (layer_norm) normalizes over its features, and layer 'h' gets wider, from 2 to 3, so that some units "
            "would count more than others; expected a multiple of 2",
        ),
        (
            positions,
            "layer 'pos' (positional_encoding) makes sinusoids, which depend on the number of features; a linear layer behind it "
            f"can get wider instead, and {WIDER}",
        ),
        (
            lambda width: through(width, "activation", activation="softmax"),
            f"layer 'layer' (activation) has the activation softmax, which is over all its units, and {WIDER}",
        ),
        (
            lambda width: through(width, "reduce", mode="max", axis="F", keep_dims=True),
            f"layer 'layer' (reduce) takes the max over the axis feature, in which replicas never differ, and {WIDER}",
        ),
        (
            lambda width: through(width, "math_norm", p=2, axis="F", keep_dims=True),
            f"layer 'layer' (math_norm) takes the norm over the axis feature, which counts each replica, and {WIDER}",
        ),
        (
            lambda width: through(2 * width, "reduce_out", mode="max", num_pieces=2),
            "layer 'layer' (reduce_out) reads 'h', whose axis feature gets wider, from 4 to 6, and does not treat its units one by "
            "one; keep the width of what it reads",
        ),
        (
            lambda width: through(width, "batch_softmax"),
            f"layer 'layer' (batch_softmax) is a softmax over all its units, and {WIDER}",
        ),
        (
            lambda width: through(width, "eval", eval=f"source(0) ** {width}"),
            "layer 'layer' (eval) has another 'eval', 'source(0) ** 3', than before, 'source(0) ** 2'",
        ),
        (
            lambda width: through(width, "activation", activation="relu" if width == 2 else "tanh"),
            "layer 'layer' (activation) has 'activation' 'tanh', but had 'relu'",
        ),
        (
            lambda width: {**normalized(2), "sum": add("h", "norm"), "output": CTC | {"from": "sum"}}
            | ({"extra": linear("data:x", 2), "sum": add("h", "norm", "extra")} if width == 3 else {}),
            "layer 'sum' (combine) reads 'extra' in addition; 'deepen' begins a new residual branch with 0",
        ),
    ],
)  # fmt: skip
def test_what_no_widening_preserves_is_an_error_with_the_layer(net, message):
    assert refused(net(2), net(3), "net2wider") == f"growth by net2wider: {message}{CHANGES}"


def test_a_sum_of_products_without_weights_of_its_own_is_an_error():
    message = refused(products(2), products(3), "net2wider")
    assert message == (
        "growth by net2wider: layer 'dot' (dot) sums over the axis feature of 'a', and 'b' gets wider, from 2 to 3; that can be "
        "corrected in the weights of a linear layer, but neither 'b' nor 'a' is one that only this layer reads"
        + CHANGES
    )


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda width: {"class": "reduce", "mode": "sum", "axis": "F", "keep_dims": True, "from": ["a", "b"]},
            "layer 'layer' (reduce) sums over the axis feature, and layer 'a' gets wider, from 2 to 3; keep its width",
        ),
        (
            lambda width: {"class": "eval", "from": ["a", "b"], "eval": f"source(0) * {width}"},
            "layer 'layer' (eval) is 'source(0) * 3', not 'source(0) * 2' as before; keep that factor",
        ),
    ],
)
def test_several_sources_are_not_multiplied_together(layer, message):
    def net(width: int) -> dict:
        sources = {name: linear("data:x", width) for name in "ab"}
        return {**sources, "layer": layer(width), "output": CTC | {"from": "layer"}}

    assert refused(net(2), net(3), "net2wider") == f"growth by net2wider: {message}{CHANGES}"


def test_a_sum_over_units_divides_their_weights():
    def net(width: int) -> dict:
        return {
            "a": linear("data:x", width, "relu"),
            "sum": {"class": "reduce", "mode": "sum", "axis": "F", "keep_dims": True, "from": "a"},
            "output": CTC | {"from": "sum"},
        }

    check_is_preserved(net(2), net(5), "net2wider")


def test_summands_of_different_widths_are_an_error():
    def net(width: int) -> dict:
        return {
            "h": linear("data:x", width),
            "both": {"class": "copy", "from": ["h", "h"]},
            "wide": linear("data:x", 2 * width),
            "part": {"class": "split", "from": "wide", "size_splits": [width + 1, width - 1]},
            "parts": {"class": "copy", "from": ["part/0", "part/1"]},
            "sum": add("both", "parts"),
            "output": CTC | {"from": "sum"},
        }

    message = refused(net(2), net(4), "net2wider")
    assert message.startswith("growth by net2wider: layer 'sum' (combine) needs units of one origin, found 'h'"[:70])
    assert "divided in different ways" in message
