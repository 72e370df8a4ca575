"""Layers that arrange axes and entries, within a decoder: the same numbers as in RETURNN in evaluation, and the same search."""

import pytest

from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases
from tests.parity.published_style import cell, linear, lstm

pytestmark = pytest.mark.parity
LABELS = {"dim": 7, "sparse": True, "shape": (None,), "available_for_inference": True}
EXTERN_DATA = {"data": {"dim": 5, "shape": (None, 5)}, "classes": LABELS, "second": LABELS | {"dim": 4}}
LENGTHS = {"data": [12, 8, 10], "classes": [5, 3, 4], "second": [5, 3, 4]}
"""Sequences are longer than the largest label, which is a position below."""


def of(source, class_name, **options):
    return {"class": class_name, "from": source, **options}


def decoder(layers: dict, **loop) -> dict:
    """
    :param layers: layers of the unit; the readout reads `x`. They may read the state `s`, the last label `y` and the encoder
    :param loop: options of the loop
    """
    unit = {
        "embedding": linear("prev:output", 6),
        "y": of("prev:output", "reinterpret_data", set_sparse=False),
        "s": cell(["embedding", "prev:x"], 6),
        "heads": of("s", "split_dims", axis="F", dims=(2, 3)),
        "energy_in": of(["base:keys", "s"], "combine", kind="add"),
        "energy": linear("energy_in", 1, "tanh"),
        "weights": of("energy", "softmax_over_spatial"),
        "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
        "prob": of(["s", "x"], "softmax", target="classes", loss="ce"),
        "output": choice("prob", "classes"),
        "end": of("output", "compare", value=0),
        **layers,
    }
    return {
        "encoder": lstm("data", 4),
        "keys": linear("encoder", 6),
        "mean": of("encoder", "reduce", mode="mean", axes="T"),
        "output": {"class": "rec", "from": [], "target": "classes", "unit": unit, **(loop or {"max_seq_len": 7})},
        "number": {"class": "constant", "value": 3, "dtype": "int32"},
        "limit": of("number", "eval", eval="source(0) * 2"),
        "decision": of("output", "decide", loss="edit_distance", target="classes", only_on_search=True),
    }


def choice(source, target, **options):
    return of(source, "choice", beam_size=4, target=target, initial_output=0, length_normalization=False, **options)


PAIR = {
    "prob2": of("s", "softmax", target="second", loss="ce"),
    "output": choice(["prob", "prob2"], ["classes", "second"], source_beam_sizes=[5, 3]),
    "label2": of("output/out_1", "copy", initial_output=0),
    "embedding2": linear("prev:label2", 3),
    "x": linear(["embedding2", "prev:embedding1"], 3),
    "embedding1": linear("output/out_0", 3),
}
CASES = {
    "two labels": PAIR,
    "two labels, all of them": PAIR | {"output": choice(["prob", "prob2"], ["classes", "second"])},
    "three labels": PAIR | {
        "prob3": of(["s", "x"], "softmax", n_out=4, target="second", loss="ce"),
        "label3": of("output/out_2", "copy", initial_output=0),
        "embedding3": linear("prev:label3", 3),
        "x": linear(["embedding2", "embedding3", "prev:embedding1"], 3),
        "output": choice(["prob", "prob2", "prob3"], ["classes", "second", "second"], source_beam_sizes=[4, 2, 3]),
    },
    "what a layer computes from zeros": {
        "y": of("output", "linear", n_out=3, activation="tanh", initial_output="apply(0)"),
        "z": of("s", "linear", n_out=3, activation="tanh", initial_output="apply(0)"),
        "x": linear(["prev:y", "prev:z"], 3),
    },
    "gather": {"x": of("base:encoder", "gather", position="y", axis="T")},
    "gather of a beam": {"x": of("energy_in", "gather", position="y", axis="T")},
    "gather_nd": {"x": of("base:encoder", "gather_nd", position="y")},
    "gather_nd of a beam": {"x": of("energy_in", "gather_nd", position="y")},
    "scatter_nd": {
        "place": of("base:encoder", "range_in_axis", axis="T"),
        "moved": of(["place", "y"], "eval", eval="source(0) + source(1)"),
        "w": of("energy_in", "scatter_nd", position="moved", position_axis="T", output_dim_via_time_from="base:encoder", filter_invalid_indices=True),
        "x": of("w", "reduce", mode="max", axes="T"),
    },
    "switch": {
        "large": of("y", "compare", kind="greater", value=3),
        "x": {"class": "switch", "condition": "large", "true_from": "s", "false_from": "context"} | {"false_from": "projected"},
        "projected": linear("context", 6),
    },
    "length": {
        "n": of("base:encoder", "length"),
        "x": of(["s", "n"], "eval", eval="source(0) * tf.cast(source(1), tf.float32) * 0.1"),
    },
    "length of a beam": {
        "n": of("energy_in", "length"),
        "x": of(["s", "n"], "eval", eval="source(0) * tf.cast(source(1), tf.float32) * 0.1"),
    },
    "seq_len_mask": {
        "w": of("energy_in", "seq_len_mask", axis="T", mask_value=-3.0),
        "x": of("w", "reduce", mode="max", axes="T"),
    },
    "split": {"p": of("s", "split", num_splits=2), "x": of(["p/0", "p/1"], "combine", kind="mul")},
    "concat": {"l": linear("s", 2), "x": of([("s", "F"), ("l", "F")], "concat")},
    "stack": {"w": of(["s", "embedding"], "stack"), "x": of("w", "reduce", mode="max", axes="dim:2")},
    "swap_axes": {"w": of("heads", "swap_axes", axis1="dim:2", axis2="F"), "x": of("w", "merge_dims", axes="static")},
    "transpose": {"w": of("heads", "transpose", perm={"dim:2": "F", "F": "dim:2"}), "x": of("w", "merge_dims", axes="static")},
    "slice": {"x": of("s", "slice", axis="F", slice_start=1, slice_step=2)},
    "slice_nd": {"w": of("base:encoder", "slice_nd", start="y", size=2), "x": of("w", "reduce", mode="max", axes="dim:2")},
    "slice_nd of a beam": {"w": of("energy_in", "slice_nd", start="y", size=2), "x": of("w", "reduce", mode="max", axes="dim:2")},
    "pad": {"x": of("s", "pad", axes="F", padding=(1, 2), value=0.5)},
    "tile": {"x": of("s", "tile", multiples={"F": 2})},
    "repeat": {"w": of("heads", "repeat", repetitions=2, axis="dim:2"), "x": of("w", "merge_dims", axes=["dim:4", "F"], keep_order=True)},
    "shift": {"x": of("s", "shift_axis", axis="F", amount=2, adjust_size_info=False)},
    "range": {"r": of([], "range", limit=6, dtype="float32"), "x": of(["s", "r"], "combine", kind="mul")},
    "range_in_axis": {
        "r": of("energy_in", "range_in_axis", axis="T", dtype="float32"),
        "w": of(["energy_in", "r"], "eval", eval="source(0) * tf.cos(source(1))"),
        "x": of("w", "reduce", mode="max", axes="T"),
    },
    "cumsum": {"x": of("s", "cumsum", axis="F")},
    "cumsum over frames": {"w": of("energy_in", "cumsum", axis="T"), "x": of("w", "reduce", mode="max", axes="T")},
    "resize": {"w": of("energy_in", "resize", factor=2, axis="T"), "x": of("w", "reduce", mode="max", axes="T")},
    "reverse": {"m": of("energy_in", "rec", unit="nativelstm2", n_out=3, direction=-1), "x": of("m", "reduce", mode="max", axes="T")},
    "elemwise_prod": {"x": of("s", "elemwise_prod", axes="F", size=(6,))},
    "expand and squeeze": {"w": of("s", "expand_dims", axis="spatial"), "x": of("w", "squeeze", axis="dim:1")},
    "dot": {"w": of(["energy_in", "base:encoder"], "dot", red1="T", red2="T", var1="F", var2="F"), "x": of("w", "merge_dims", axes="static")},
    "norm": {"x": of("s", "norm", axes="F")},
    "math_norm": {"w": of("energy_in", "math_norm", p=2, axes="T"), "x": of("w", "copy")},
}  # fmt: skip


LOOPS = {
    "max_seq_len_via": {"max_seq_len_via": "limit"},
    "include_eos": {"include_eos": True, "max_seq_len": 5, "unroll": False, "debug": False},
    "kept in": {"optimize_move_layers_out": False, "max_seq_len": "max_len_from('base:encoder') // 2"},
}
NETWORKS = {name: decoder(layers) for name, layers in CASES.items()} | {
    name: decoder(CASES["gather of a beam"], **loop) for name, loop in LOOPS.items()
}
EVALUATED = [name for name in NETWORKS if "labels" not in name]
"""RETURNN fails in evaluation if `prev:` of a layer over all frames is read beside one of a frame"""


def with_output(net):
    """:return: the network with the probabilities outside of the loop: in evaluation, RETURNN has no losses in loops"""
    loop = net["output"]
    unit = {name: layer | {"loss": None} if "loss" in layer else layer for name, layer in loop["unit"].items()}
    unit["prob"] = unit["prob"] | {"is_output_layer": True}
    return net | {"output": loop | {"unit": unit}, "seen": of("output/prob", "copy", is_output_layer=True)}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, net in NETWORKS.items():
        if name in EVALUATED:
            cases[name, "eval"] = network_case(with_output(net), EXTERN_DATA, LENGTHS, ("seen",)) | {"train": False}
        searches = search_cases(net, EXTERN_DATA, LENGTHS, range(2), scale=1.5)
        cases |= {(name, number): case for number, case in enumerate(searches)}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", EVALUATED)
def test_outputs_match_in_evaluation(results, name):
    compare(*results[name, "eval"])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_search_finds_the_same_labels(results, name):
    different = {labels for number in range(2) for labels in compare_search(*results[name, number])}
    assert len(different) > 1
