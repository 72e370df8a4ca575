"""`masked_computation` and `unmask`, without RETURNN: what a mask selects, in loops and outside; messages."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.returnn.provided.dims import SpatialDim

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 4, "sparse": True}}


def linear(source="data", n_out=2, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": None, **options}


def masked(unit, source="data", mask="mask", **options):
    return {"class": "masked_computation", "from": source, "mask": mask, "unit": unit, **options}


MASK = {"class": "compare", "from": "one", "kind": "greater", "value": 0}
ONE = {"class": "reduce", "mode": "sum", "axes": "F", "from": "data"}
CUMULATED = {
    "class": "rec", "from": "data", "unit": {"output": {"class": "combine", "kind": "add", "from": ["data:source", "prev:output"]}},
}  # fmt: skip


def outputs(network, data, name="output"):
    spec = describe(network, EXTERN_DATA)
    params = {path: np.ones(param.shape, "float32") for path, param in spec.params.items()}
    lengths = {"data": np.array([len(data[0])], "int32")}
    out = run_network(spec, params, {"data": np.array(data, "float32")}, lengths)
    x = out.layers[name]
    time = x.template.time
    return x.ordered(x.template.axes).numpy()[0, : int(out.lengths[time][0])].tolist()


DATA = [[[-1, 0], [1, 2], [-5, -5], [3, 4], [-1, -1]]]


def test_only_the_selected_frames_are_left_and_unmask_repeats_them():
    network = {
        "one": ONE,
        "mask": MASK,
        "m": masked(CUMULATED),
        "output": {"class": "unmask", "from": "m", "mask": "mask"},
    }
    assert outputs(network | {"output": {"class": "copy", "from": "m"}}, DATA) == [[1, 2], [4, 6]]
    assert outputs(network, DATA) == [[0, 0], [1, 2], [1, 2], [4, 6], [4, 6]]


def test_nothing_may_be_selected():
    network = {
        "one": ONE,
        "mask": MASK,
        "m": masked(CUMULATED),
        "output": {"class": "unmask", "from": "m", "mask": "mask"},
    }
    assert outputs(network, [[[-1, 0], [-1, 0]]]) == [[0, 0], [0, 0]]


def test_the_first_output_in_a_loop_is_that_of_the_unit():
    unit = {
        "one": {"class": "reduce", "mode": "sum", "axes": "F", "from": "data:source"}, "mask": MASK,
        "m": masked({"class": "copy", "from": "data", "initial_output": 7}, "data:source"),
        "output": {"class": "combine", "kind": "add", "from": ["m", "before"]},
        "before": {"class": "combine", "kind": "add", "from": ["prev:m", "prev:m"]},
    }  # fmt: skip
    expected = [[7 + 14, 7 + 14], [1 + 14, 2 + 14], [3, 6], [3 + 2, 4 + 4], [3 + 6, 4 + 8]]
    for options in ({}, {"optimize_move_layers_out": False}):
        network = {"output": {"class": "rec", "from": "data", "unit": unit, **options}}
        assert outputs(network, DATA) == expected


@pytest.mark.parametrize("options", [{}, {"optimize_move_layers_out": False}], ids=["at once", "frame by frame"])
def test_labels_that_are_not_selected_need_not_be_those_of_the_unit(options):
    unit = {
        "mask": {"class": "compare", "from": "data:source", "kind": "not_equal", "value": 3},
        "without_blank": {"class": "reinterpret_data", "from": "data:source", "set_sparse_dim": 3},
        "output": masked(linear(with_bias=False), "without_blank"),
    }
    network = {"output": {"class": "rec", "from": "data:classes", "unit": unit, **options}}
    spec = describe(network, EXTERN_DATA)
    (path,) = spec.params
    table = np.array([[1, 2], [3, 4], [5, 6]], "float32")
    labels, lengths = np.array([[3, 2, 1, 3], [0, 3, 3, 3]], "int32"), np.array([4, 4], "int32")
    output = run_network(spec, {path: table}, {"classes": labels}, {"classes": lengths}).layers["output"]
    found = output.ordered(output.template.axes).numpy()
    assert found[0].tolist() == [[0, 0], [5, 6], [3, 4], [3, 4]]
    assert found[1].tolist() == [[1, 2]] * 4


def test_the_layers_of_the_unit_can_be_read():
    unit = {"class": "subnetwork", "from": "data", "subnetwork": {"x": linear(), "output": linear("x")}}
    network = {"one": ONE, "mask": MASK, "m": masked(unit), "output": {"class": "copy", "from": ["m", "m/x"]}}
    assert list(describe(network, EXTERN_DATA).params) == ["m/x/W", "m/x/b", "m/output/W", "m/output/b"]
    assert outputs(network, DATA) == [[9, 9, 4, 4], [17, 17, 8, 8]]


@pytest.mark.parametrize("kept", [False, True])
def test_frames_that_are_selected_already_are_repeated_in_the_loop(kept):
    unit = {
        "one": {"class": "reduce", "mode": "sum", "axes": "F", "from": "data:source"}, "mask": MASK,
        "m": masked(CUMULATED, [], masked_from="base:selected"),
        "u": {"class": "unmask", "from": "m", "mask": "mask"},
        "output": {"class": "combine", "kind": "add", "from": ["u", "prev:output" if kept else "u"]},
    }  # fmt: skip
    options = {"optimize_move_layers_out": False} if kept else {}
    network = {
        "one": ONE, "mask": MASK, "selected": masked({"class": "copy", "from": "data"}),
        "output": {"class": "rec", "from": "data", "unit": unit, **options},
    }  # fmt: skip
    once = [[0, 0], [1, 2], [1, 2], [4, 6], [4, 6]]
    assert outputs(network, DATA) == (np.cumsum(once, axis=0) if kept else 2 * np.array(once)).tolist()


LSTM = {"class": "rec", "unit": "lstm", "from": "data", "n_out": 3}
BASE = {"one": ONE, "mask": MASK}
CASES = {
    "no mask": (
        {"m": {"class": "masked_computation", "from": "data", "unit": linear()}, "output": linear("m")},
        "layer 'm' (masked_computation): option 'mask' is missing",
    ),
    "a mask of floats": (
        {**BASE, "m": masked(linear(), mask="one"), "output": linear("m")},
        "layer 'm' (masked_computation): 'mask' must be bool, but 'one' is [batch, time:data] float32",
    ),
    "a mask along another axis": (
        {"mask": {"class": "compare", "from": "data:classes", "value": 0}, "m": masked(linear()), "output": linear("m")},
        "layer 'm' (masked_computation): 'mask' is along time:classes, but its input 'data:data' is "
        "[batch, time:data, feature:2] float32; 'reinterpret_data' with 'size_base' gives one the axis of the other",
    ),
    "a mask without time": (
        {"sum": {"class": "reduce", "mode": "sum", "axes": "T", "from": "one"}, "one": ONE,
         "mask": {"class": "compare", "from": "sum", "value": 0}, "m": masked(linear()), "output": linear("m")},
        "layer 'm' (masked_computation): 'mask' needs a time axis, but it is [batch] bool",
    ),
    "two sources": (
        {**BASE, "m": masked(linear(), ["data", "data"]), "output": linear("m")},
        "layer 'm' (masked_computation): takes one source, found 2; 'copy' joins several",
    ),
    "a wrong option of the unit": (
        {**BASE, "m": masked(linear(n_outs=3)), "output": linear("m")},
        "layer 'm/unit' (linear): unknown option 'n_outs'; did you mean 'n_out'?",
    ),
    "a scope of the unit": (
        {**BASE, "m": masked(linear(name_scope="x")), "output": linear("m")},
        "layer 'm' (masked_computation): 'name_scope' must be an option of the layer itself, not of 'unit'",
    ),
    "a state before the first frame": (
        {**BASE, "m": masked(LSTM | {"initial_state": "ones"}), "output": linear("m")},
        "layer 'm' (masked_computation): 'initial_state' of its 'unit' must be zeros; a layer of a 'subnetwork' as the unit may "
        "have another",
    ),
    "unmask of another output before the first frame": (
        {**BASE, "m": masked(linear(initial_output=1)), "u": {"class": "unmask", "from": "m", "mask": "mask"}, "output": linear("u")},
        "layer 'u' (unmask): the output of 'm' before the first selected frame must be 0, see its 'initial_output'",
    ),
    "unmask without time": (
        {**BASE, "v": {"class": "reduce", "mode": "sum", "axes": "T", "from": "data"},
         "u": {"class": "unmask", "from": "v", "mask": "mask"}, "output": linear("u")},
        "layer 'u' (unmask): needs a source with a time axis, but 'v' is [batch, feature:2] float32",
    ),
    "a unit without frames": (
        {"output": {"class": "rec", "from": "data", "unit": {
            "one": {"class": "reduce", "mode": "sum", "axes": "F", "from": "data:source"}, "mask": MASK,
            "m": masked({"class": "constant", "value": 1.0}, "data:source"), "output": {"class": "combine", "kind": "add", "from": ["one", "m"]},
        }}},
        "layer 'output/unit/m' (masked_computation): 'output/unit/m/unit' does not depend on the frame; keep it out of the loop",
    ),
    "a layer of the previous frame": (
        {**BASE, "m": masked({"class": "subnetwork", "from": "data", "subnetwork": {"output": linear(["data", "prev:output"])}}),
         "output": linear("m")},
        "layer 'm/unit/subnetwork/output' (linear): 'from' names a layer of the previous frame, which does not exist within "
        "layer 'm' (masked_computation); use a recurrent unit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    network, message = CASES[name]
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ({"in_spatial_dim": SpatialDim("other")}, "'in_spatial_dim', Dim 'other', is no axis of a data stream or of a layer before it, but the mask is along time:data"),
        ({"out_spatial_dim": SpatialDim("three", 3)}, "Dim 'three' has 3 entries, but the axis of its output is time:masked(data, mask)"),
        ({"out_spatial_dim": 3}, "option 'out_spatial_dim' must be a Dim or None, found 3"),
    ],
)  # fmt: skip
def test_dims_that_are_not_those_of_the_frames(dims, message):
    network = {"one": ONE, "mask": MASK, "output": masked(linear(), **dims)}
    with pytest.raises(NetworkError) as error:
        describe(network, EXTERN_DATA)
    assert str(error.value) == f"layer 'output' (masked_computation): {message}"


def test_the_axis_of_the_selected_frames_has_its_name():
    selected = SpatialDim("selected")
    m = masked(linear(), out_spatial_dim=selected)
    network = {"one": ONE, "mask": MASK, "m": m, "output": {"class": "reduce", "mode": "max", "axis": selected, "from": "m"}}  # fmt: skip
    assert describe(network, EXTERN_DATA).layers["output"].template.time is None
