"""Wrong uses of `cum_concat`, and of layers that read all frames of a loop so far, are refused with one line."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.returnn.provided.dims import FeatureDim, SpatialDim, single_step_dim

EXTERN_DATA = {"data": {"dim": 4}}
SO_FAR, OTHER = SpatialDim("so far"), FeatureDim("other", 3)


def layer(class_name, source, **options):
    return {"class": class_name, "from": source, **options}


def loop(unit, **options):
    unit = {"all": layer("cum_concat", "data:source", out_spatial_dim=SO_FAR), **unit}
    return {"output": {"class": "rec", "from": "data", "unit": unit, **options}}


MEAN = {"output": layer("reduce", "all", mode="mean", axes=SO_FAR)}
BAD = [
    (
        {"output": layer("cum_concat", "data", out_spatial_dim=SO_FAR)},
        "layer 'output' (cum_concat): concatenates the frames of a loop, expected it in the 'unit' of a 'rec' layer",
    ),
    (loop({"output": layer("copy", "b"), "b": layer("cum_concat", "data:source")}), "option 'out_spatial_dim' is missing"),
    (loop({"all": layer("cum_concat", "data:source", out_spatial_dim=SO_FAR, axis="F"), **MEAN}), "'axis' must be the loop, as 'single_step_dim', found 'F'"),
    (loop({"all": layer("cum_concat", "data:source", out_spatial_dim=SO_FAR, initial_output=0), **MEAN}), "'initial_output' must be left out, found 0"),
    (loop({"all": layer("cum_concat", "data:source", out_spatial_dim=OTHER), **MEAN}), "Dim 'other' has 3 entries, but the axis of its output is"),
    (loop(MEAN), "layer 'output/unit/output' (reduce): reads the frames so far of all iterations at once; expected 'optimize_move_layers_out': False"),
    (
        loop({"c": layer("conv", "all", filter_size=[3], padding="same", n_out=2), "output": layer("copy", "c")}),
        "layer 'output/unit/c' (conv): reads the frames so far of all iterations at once",
    ),
    (
        loop({"output": layer("linear", "all", n_out=3, is_output_layer=True)}, optimize_move_layers_out=False),
        "differ from iteration to iteration, so the loop cannot collect its output; reduce the axis within the loop",
    ),
    (
        loop({"m": layer("reduce", "prev:all", mode="mean", axes="T"), "output": layer("copy", "m")}, optimize_move_layers_out=False),
        "grows with each frame, so no layer can read it as 'prev:all'",
    ),
    (
        loop({"p": layer("relative_positional_encoding", "data:source", n_out=2, query_spatial_dim=single_step_dim, key_value_spatial_dim=OTHER), "output": layer("copy", "p")}),
        "layer 'output/unit/p' (relative_positional_encoding)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("net", "message"), BAD)
def test_bad_input(net, message):
    with pytest.raises(NetworkError) as error:
        describe(net, EXTERN_DATA)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_mean_of_the_frames_so_far_is_possible_within_the_loop():
    assert str(describe(loop(MEAN, optimize_move_layers_out=False), EXTERN_DATA).layers["output"].template) == (
        "[batch, time:data, feature:4] float32"
    )
