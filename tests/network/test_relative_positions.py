"""`relative_positional_encoding` with axes of its own for queries and keys: messages and shapes, without TensorFlow."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.returnn.provided.dims import SpatialDim

UNKNOWN, KEYS = SpatialDim("unknown"), SpatialDim("keys")
EXTERN_DATA = {"data": {"dim": 4}, "other": {"dim": 3}}
OTHER = {
    "class": "reinterpret_data",
    "from": "data",
    "set_dim_tags": {"T": KEYS},
    "is_output_layer": True,
}


def encoding(**options):
    return {"class": "relative_positional_encoding", "from": "data", "n_out": 2, "is_output_layer": True, **options}


def described(layer):
    return describe({"keys": OTHER, "encoding": layer, "output": {"class": "copy", "from": "data"}}, EXTERN_DATA)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key_value_spatial_dim": UNKNOWN}, "no layer before it and no data stream defines Dim 'unknown', found [batch, time:data, feature:4] float32"),
        ({"query_spatial_dim": "F"}, "'query_spatial_dim' must be an axis of frames, found feature:4 of [batch, time:data, feature:4] float32"),
        ({"query_offset": "layer"}, "option 'query_offset' must be an int or None, found 'layer'"),
    ],
)  # fmt: skip
def test_wrong_axes(options, message):
    with pytest.raises(NetworkError) as error:
        described(encoding(**options))
    assert str(error.value) == f"layer 'encoding' (relative_positional_encoding): {message}"


def test_in_an_iteration_of_a_loop_they_are_given():
    unit = {"p": encoding(key_value_spatial_dim=KEYS) | {"from": "prev:output"}, "output": {"class": "combine", "kind": "add", "from": ["data:source", "prev:output"]}}  # fmt: skip
    with pytest.raises(
        NetworkError, match="the keys are the frames so far; expected no 'key_value_spatial_dim', or the"
    ):
        describe({"keys": OTHER, "output": {"class": "rec", "from": "data", "unit": unit}}, EXTERN_DATA)


def test_keys_have_the_axis_of_their_dim():
    template = described(encoding(key_value_spatial_dim=KEYS)).layers["encoding"].template
    assert str(template) == "[time:data, time:as(data, keys), feature:2] float32"


def test_an_hdf_dump_that_nothing_reads_is_noticed():
    network = {"dump": {"class": "hdf_dump", "from": "data", "filename": "out.hdf"}, "output": {"class": "copy", "from": "data"}}  # fmt: skip
    message = r"layer 'dump' \(hdf_dump\): writes nothing, since nothing depends on it; set 'is_output_layer': True"
    with pytest.warns(UserWarning, match=message):
        describe(network, EXTERN_DATA)
