"""`expand_dims` and `squeeze`: position and role of the axis."""

import numpy as np
import pytest

from boulder.network import describe

H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"}}
V = {"v": {"class": "linear", "from": "data:speaker", "n_out": 6, "activation": None}}
E = V | {"e": {"class": "expand_dims", "from": "v", "axis": "T"}}  # one frame


def expand(source, axis, **options):
    return {"output": {"class": "expand_dims", "from": source, "axis": axis, **options}}


# the roles are RETURNN's
PLACES = [
    (H | expand("h", 1), "[batch, spatial:1, time:data, feature:6] float32"),
    (H | expand("h", 2), "[batch, time:data, spatial:1, feature:6] float32"),
    (H | expand("h", 3), "[batch, time:data, spatial:6, feature:1] float32"),
    (H | expand("h", -1), "[batch, time:data, spatial:6, feature:1] float32"),
    (H | expand("h", -2), "[batch, time:data, spatial:1, feature:6] float32"),
    (H | expand("h", "feature"), "[batch, time:data, spatial:6, feature:1] float32"),
    (H | expand("h", "T"), "[batch, time:data, spatial:1, feature:6] float32"),
    (V | expand("v", "T"), "[batch, time:1, feature:6] float32"),
    (V | expand("v", "spatial", dim=3), "[batch, time:3, feature:6] float32"),
    (V | expand("v", 1), "[batch, spatial:1, feature:6] float32"),
    (E | expand("e", "T"), "[batch, time:1, spatial:1, feature:6] float32"),
    (expand("data:letters", "spatial"), "[batch, time:letters, spatial:1], 6 classes int32"),
    (expand("data:topic", "T"), "[batch, time:1], 4 classes int32"),
    (expand("data:number", "F"), "[batch, time:number, feature:1] float32"),
]


@pytest.mark.parametrize(("net", "template"), PLACES)
def test_position_and_role_of_the_new_axis_are_returnns(net, template, extern_data):
    assert str(describe(net, extern_data).layers["output"].template) == template


FROM_ONE_FRAME = [
    ({"class": "squeeze", "axis": "T"}, "[batch, feature:6] float32"),
    ({"class": "squeeze", "axis": 0, "enforce_batch_dim_axis": 1}, "[batch, feature:6] float32"),
    ({"class": "squeeze", "axis": 1}, "[batch, feature:6] float32"),
    ({"class": "squeeze", "axis": "dyn"}, "[batch, time:1, feature:6] float32"),
    ({"class": "merge_dims", "axes": "static"}, "[batch, feature:6] float32"),
    ({"class": "merge_dims", "axes": ["T", "F"], "keep_order": True}, "[batch, feature:6] float32"),
    ({"class": "split_dims", "axis": "T", "dims": (-1, 1)}, "[batch, time:1, spatial:1, feature:6] float32"),
    ({"class": "repeat", "repetitions": 1}, "[batch, time:1, feature:6] float32"),
]


@pytest.mark.parametrize(("layer", "template"), FROM_ONE_FRAME)
def test_a_static_time_axis_is_both_time_and_static(layer, template, run, random_batch, values):
    output = run(E | {"v": V["v"] | {"is_output_layer": True}, "output": layer | {"from": "e"}}, *random_batch((3, 2)))
    assert str(output.layers["output"].template) == template
    np.testing.assert_array_equal(values(output).reshape(2, 6), values(output, "v"))


def test_a_static_time_axis_has_lengths(run, random_batch, values):
    net = V | {
        "e": {"class": "expand_dims", "from": "v", "axis": "T", "dim": 3},
        "r": {"class": "repeat", "from": "e", "repetitions": 2},
        "p": {"class": "pool", "mode": "avg", "pool_size": [4], "padding": "same", "from": "r"},
        "output": {"class": "reduce", "mode": "sum", "axes": "T", "from": "p"},
    }
    net["v"] = V["v"] | {"is_output_layer": True}
    output = run(net, *random_batch((3, 2)))
    assert output.lengths[output.layers["p"].template.time].numpy().tolist() == [2, 2]
    np.testing.assert_allclose(values(output), 2 * values(output, "v"), rtol=1e-5)


def test_the_only_frame_of_each_sequence(run, random_batch):
    import tensorflow as tf

    net = {"output": {"class": "squeeze", "from": "data:align", "axis": "T", "is_output_layer": True}}
    data, lengths = random_batch((1, 0, 1))
    output = run(net, data, lengths).layers["output"]
    assert str(output.template) == "[batch], 4 classes int32"
    assert output.value.numpy().tolist() == [data["align"][0, 0], 0, data["align"][2, 0]]
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="squeezes time:align, but a sequence has more than one frame"
    ):
        run(net, *random_batch((1, 2)))


def test_squeeze_by_position_with_the_batch_at_another_position(extern_data):
    net = H | expand("h", 1) | {"s": {"class": "squeeze", "from": "output", "axis": 0, "enforce_batch_dim_axis": 2}}
    net["s"]["is_output_layer"] = True
    assert str(describe(net, extern_data).layers["s"].template) == "[batch, time:data, feature:6] float32"
