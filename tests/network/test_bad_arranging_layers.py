"""Messages of layers that arrange entries, for wrong options and sources."""

import pytest

H = {
    "h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"},
    "s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)},
    "v": {"class": "reduce", "from": "h", "mode": "mean", "axes": "T"},
}
INPUT, HEADS = "[batch, time:data, feature:6] float32", "[batch, time:data, spatial:2, feature:3] float32"
LABELS = "[batch, time:classes], 3 classes int32"
# class, sources, options, message
BAD = [
    ("concat", None, {}, "option 'from' is missing"),
    ("concat", ["h", "v"], {}, "option 'from' must be a list of pairs (layer, axis), found ['h', 'v']"),
    ("concat", [("h", "T"), ("s", "T")], {}, "sources with features of sizes 3 and 6 cannot be combined"),
    ("concat", [("h", "F"), ("v", "F")], {}, "sources must have the same other axes, unless 'allow_broadcast' is set"),
    ("concat", [("h", "B"), ("h", "B")], {}, "cannot concatenate along the batch axis"),
    ("concat", [("h", "T"), ("data:classes", "T")], {}, "sources of different types or numbers of classes cannot be concatenated"),
    ("split", "h", {}, "needs either 'num_splits' or 'size_splits'"),
    ("split", "h", {"num_splits": 4}, "'num_splits' 4 does not divide the 6 entries of axis feature:6"),
    ("split", "h", {"size_splits": [1, 2]}, "'size_splits' [1, 2] does not divide the 6 entries of axis feature:6"),
    ("split", "h", {"num_splits": 2, "axis": "T"}, f"only an axis of known size can be split, but time:data is not; its input is {INPUT}"),
    ("split", "data:classes", {"num_splits": 2}, "axis 'F': there is no such axis in [batch, time:classes]"),
    ("swap_axes", "h", {"axis1": "T"}, "option 'axis2' is missing"),
    ("swap_axes", "h", {"axis1": "T", "axis2": "T"}, "'axis1' and 'axis2' must be different axes, found time:data for both"),
    ("transpose", "h", {"perm": ["T", "F"]}, f"'perm' must have one entry for each of the 3 axes of {INPUT}, found 2"),
    ("transpose", "h", {"perm": {"T": "F", "B": "F"}}, f"'perm' must name each axis of {INPUT} once, found {{'T': 'F', 'B': 'F'}}"),
    ("slice", "h", {}, "option 'axis' is missing"),
    ("slice", "h", {"axis": "B"}, "the batch cannot be sliced: which sequences are in it must not matter"),
    ("slice", "h", {"axis": "F", "slice_start": 6}, f"takes no entry of axis feature:6; its input is {INPUT}"),
    ("slice", "h", {"axis": "T", "slice_start": -1}, "'slice_start' must be at least 0, found -1"),
    ("slice", "h", {"axis": "T", "slice_step": 0}, "'slice_step' must not be 0"),
    ("slice", "h", {"axis": "T", "slice_step": -1, "slice_end": 2}, "a negative 'slice_step' takes neither 'slice_start' nor 'slice_end'; slice twice"),
    ("slice_nd", "h", {}, "option 'size' is missing"),
    ("slice_nd", "h", {"size": 2, "start": "v"}, "'start' must be ints without a feature axis, but 'v' is [batch, feature:6] float32"),
    ("slice_nd", "h", {"size": 2, "axis": "F"}, f"'axis' must be an axis of time or space, found feature:6 of {INPUT}"),
    ("slice_nd", "h", {"size": 0}, "'size' must be at least 1, found 0"),
    ("slice_nd", "h", {"size": 2, "start": -1}, "'start' must be at least 0, found -1"),
    ("reverse_sequence", "h", {"axis": "B"}, f"cannot reverse axis batch of {INPUT}"),
    ("pad", "h", {"axes": "T"}, "option 'padding' is missing"),
    ("pad", "h", {"axes": "B", "padding": 1}, f"'axes' must name different axes of {INPUT} except the batch, found 'B'"),
    ("pad", "h", {"axes": ["T", "F"], "padding": [(1, 2)]}, "'padding' must be a number of entries, a pair, or a list of pairs for the 2 axes, found [(1, 2)]"),
    ("pad", "h", {"axes": "T", "padding": (1, -1)}, "'padding' must be a number of entries, a pair, or a list of pairs for the 1 axes, found (1, -1)"),
    ("pad", "h", {"axes": "T", "padding": 1, "value": "v"}, "'value' must be a single number, but 'v' is [batch, feature:6] float32"),
    ("pad", "h", {"axes": "T", "padding": 1, "mode": "reflekt"}, "option 'mode' must be 'constant' or 'reflect' or 'symmetric' or 'replication' or 'replicate', found 'reflekt'; did you mean 'reflect'?"),
    ("stack", ["h", "s"], {}, "only sources of one type and size can be stacked"),
    ("stack", ["h", "h"], {"axis": 5}, f"'axis' 5 is not a position among the axes of {INPUT}"),
    ("range", [], {}, "option 'limit' is missing"),
    ("range", "h", {"limit": 3}, "takes no source, found 1"),
    ("range", [], {"limit": 0}, "has no numbers from 0 to 0 in steps of 1"),
    ("range", [], {"limit": 2.5, "sparse": True}, "class indices must be integers, found float32"),
    ("range_from_length", "h", {}, f"needs ints without a feature axis, but its input 'h' is {INPUT}"),
    ("shift_axis", "h", {"axis": "T", "amount": 0}, "'amount' must not be 0"),
    ("shift_axis", "h", {"axis": "B", "amount": 1}, f"cannot shift axis batch of {INPUT}"),
    ("shift_axis", "h", {"axis": "F", "amount": 6, "pad": False}, f"no entry of axis feature:6 is left; its input is {INPUT}"),
    ("shift_axis", "h", {"axis": "T", "amount": 1, "pad": False, "adjust_size_info": False}, "without 'pad' the axis becomes shorter, so 'adjust_size_info' must be True"),
    ("resize", "h", {"axis": "B", "factor": 2}, f"cannot resize axis batch of {INPUT}"),
    ("resize", "h", {"axis": "T", "factor": 0}, "'factor' must be above 0, found 0"),
    ("resize", "h", {"axis": "T", "factor": 2, "kind": "fill"}, "'kind' 'fill' needs an int 'factor' of at least 2 and a 'fill_value'"),
    ("resize", "data:classes", {"axis": "T", "factor": 2, "kind": "linear"}, f"'linear' needs float values, but its input is {LABELS}"),
    ("resize", "h", {"axis": "T", "factor": 2, "fill_dropout": 0.1}, "option 'fill_dropout' must be 0 or None, found 0.1"),
    ("repeat", "h", {"repetitions": "v"}, "'repetitions' must be ints for each entry of axis time:data, but 'v' is [batch, feature:6] float32"),
    ("repeat", "h", {"repetitions": "data:classes"}, f"'repetitions' must be ints for each entry of axis time:data, but 'data:classes' is {LABELS}; 'reinterpret_data' with 'size_base' gives it these frames"),
    ("flatten_batch", "h", {"axis": "B"}, f"needs a batch and another axis to merge into it, found batch of {INPUT}"),
    ("unflatten_batch", "h", {}, f"needs one axis that is a part of the batch, as 'flatten_batch' makes it, but its input is {INPUT}"),
    ("split_batch_time", "h", {"base": "h"}, f"needs one axis that is a part of the batch, as 'flatten_batch' makes it, but its input is {INPUT}"),
    ("time_chunking", "h", {"chunk_size": 3}, "option 'chunk_step' is missing"),
    ("time_chunking", "h", {"chunk_size": 3, "chunk_step": 0}, "'chunk_size' and 'chunk_step' must be at least 1, found 3, 0"),
    ("time_chunking", "h", {"chunk_size": 3, "chunk_step": 1, "axis": "F"}, f"'axis' must be a time axis with a length for each sequence, found feature:6 of {INPUT}"),
    ("time_unchunking", "h", {"chunking_layer": "s"}, f"'chunking_layer' must be a layer 'time_chunking', but 's' is {HEADS}"),
    ("fold", "h", {"mode": "sum", "in_spatial_dim": "T", "window_dim": "F"}, f"needs windows along time, and entries of a window along a static axis that is not the feature axis, found time:data and feature:6 of {INPUT}"),
    ("tile", "h", {"multiples": {"T": 2}}, f"only an axis of known size can be tiled, but 'T' is time:data of {INPUT}"),
    ("tile", "h", {"multiples": {"F": 0}}, "the number of times must be at least 1, found 0 for axis 'F'"),
    ("tile_features", "h", {"repetitions": 0}, "the number of times must be at least 1, found 0 for axis 'F'"),
    ("elemwise_prod", "h", {"axes": "T"}, f"'axes' must be axes of known size, found time:data of {INPUT}"),
    ("elemwise_prod", "h", {"axes": "F", "size": [5]}, "'size' is (5,), but the axes have the sizes (6,)"),
    ("elemwise_prod", "data:classes", {"axes": "T"}, f"needs float32 values, but its input is {LABELS}"),
    ("top_k", "h", {"axis": "F", "k": 7}, f"'k' must be at least 1 and at most the number of entries, found 7 for {INPUT}"),
    ("top_k", "h", {"axis": "B", "k": 1}, "'axis' must be one axis or static axes of each sequence, found batch"),
    ("top_k", "h", {"axis": ["T", "F"], "k": 1}, "'axis' must be one axis or static axes of each sequence, found time:data, feature:6"),
    ("search_sorted", [], {"sorted_sequence": "s", "values": "v"}, "'values' must have all axes of 'sorted_sequence' but the sorted one"),
    ("remove", "h", {"symbol": 1}, f"needs a sequence of class indices, but its input is {INPUT}"),
    ("remove", "data:classes", {"symbol": 4}, "'symbol' must be one of the 3 classes of its input, found 4"),
    ("boolean_mask", "h", {"mask": "v", "dims": "T"}, "'mask' must be bools along time:data, but 'v' is [batch, feature:6] float32"),
    ("boolean_mask", "h", {"mask": "v", "dims": "B"}, "'dims' must be time, or the batch and time, found batch"),
    ("rand_int", [], {"shape": (2, 3)}, "option 'maxval' is missing"),
    ("rand_int", [], {"shape": (2, 3), "maxval": 0}, "'maxval' must be above 'minval', found 0 and 0"),
    ("rand_int", [], {"shape": (2, None), "maxval": 3}, "'shape' must be sizes of at least 1, or Dims that are defined, found None"),
    ("random", [], {"shape": (2,), "distribution": "uniform"}, "'uniform' numbers need 'maxval', 'bound' or 'stddev', found none"),
    ("random", [], {"shape": (2,), "distribution": "normal", "bound": 1}, "'normal' numbers need 'mean' and 'stddev' at most, found bound"),
    ("random", [], {"shape": (2,), "distribution": "normal", "mean": "v"}, "'mean' must be a single number, but 'v' is [batch, feature:6] float32"),
    ("random", [], {"shape": (2,), "distribution": "normal", "static": True, "explicit_state": "v"}, "an 'explicit_state' takes neither 'static' nor 'seed'"),
    ("scaled_grad", "h", {}, "option 'scale' is missing"),
    ("scaled_grad", "data:classes", {"scale": 1}, f"needs float values, which have a gradient, but its input is {LABELS}"),
    ("scaled_grad", "v", {"scale": "h"}, f"'scale' must have axes of its input [batch, feature:6] float32, but 'h' is {INPUT}"),
    ("scaled_grad", "h", {"scale": 1, "clip_max_axis": "B"}, "the gradient of a sequence must not depend on the others, found the batch axis"),
    ("edit_distance", [], {"a": "h", "b": "h"}, "needs sequences of the same classes"),
    ("edit_distance", [], {"a": "data:classes", "b": "data:align"}, "needs sequences of the same classes"),
    ("edit_distance_table", "data:classes", {"target": "classes"}, "works step by step and must be in a loop"),
    ("optimal_completions", "data:classes", {"target": "classes"}, "works step by step and must be in a loop"),
    ("reshape", "h", {"in_dims": ["F"], "out_dims": [4, 2]}, "'out_dims' [4, 2] do not multiply to the entries of feature:6"),
    ("reshape", "h", {"in_dims": ["T"], "out_dims": [4]}, f"'in_dims' and 'out_dims' must be axes of known size, found time:data of {INPUT}"),
    ("reshape", "h", {"in_dims": ["B"], "out_dims": [4]}, f"'in_dims' must name different axes of {INPUT} except the batch, found ['B']"),
    ("unflatten_nd", "h", {"sizes": "v", "num_axes": 2}, "'sizes' must be ints [batch, 2], but 'v' is [batch, feature:6] float32"),
    ("unflatten_nd", "h", {"sizes": "v", "num_axes": 2, "in_dim": "F"}, f"'in_dim' must be the time axis, found feature:6 of {INPUT}"),
    ("print", ["h", "h"], {}, "takes one source, found 2"),
    ("identity", ["h", "h"], {}, "takes one source, found 2"),
    ("source", [], {"data_key": "clases"}, "'from' names 'data:clases', but extern_data has only"),
    ("train_flag", "h", {}, "takes no source, found 1"),
    ("combine_dims", "s", {"axes": "static"}, "'axes' must be a list if 'keep_order' is True, found 'static'"),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "sources", "options", "message"), BAD)
def test_message(class_name, sources, options, message, extern_data):
    from boulder.errors import NetworkError
    from boulder.network import describe

    layer = {"class": class_name, "is_output_layer": True, **({} if sources is None else {"from": sources}), **options}
    with pytest.raises(NetworkError) as caught:
        describe(H | {"output": layer}, extern_data)
    assert str(caught.value).startswith(f"layer 'output' ({class_name}): {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"class": "edit_distance_table", "from": "data:source"}, "needs a 'target'"),
        (
            {"class": "edit_distance_table", "from": "data:source", "target": "layer:base:h"},
            "'target' must be a whole sequence of class indices, as \"layer:base:data:classes\", but 'h' is",
        ),
        (
            {"class": "edit_distance_table", "from": "data:source", "target": "layer:base:data:classes"},
            "needs one of 3 labels per sequence, but 'output/data:source' is [batch], 4 classes int32",
        ),
        (
            {"class": "optimal_completions", "from": "data:source", "target": "layer:base:data:classes"},
            "needs the rows of a layer 'edit_distance_table' for the same target, but 'output/data:source' is",
        ),
    ],
)
def test_messages_in_a_loop(layer, message, extern_data):
    from boulder.errors import NetworkError
    from boulder.network import describe

    net = H | {"output": {"class": "rec", "from": "data:align", "unit": {"output": layer}, "is_output_layer": True}}
    with pytest.raises(NetworkError) as caught:
        describe(net, extern_data)
    assert str(caught.value).startswith(f"layer 'output/unit/output' ({layer['class']}): {message}")


def test_an_unknown_part_is_an_error_of_its_reader(extern_data):
    from boulder.errors import NetworkError
    from boulder.network import describe

    net = H | {"p": {"class": "split", "from": "h", "num_splits": 2}, "output": {"class": "copy", "from": "p/2"}}
    with pytest.raises(
        NetworkError, match=r"layer 'output' \(copy\): 'from' names 'p/2', but 'p' has only the parts 0, 1"
    ):
        describe(net, extern_data)


def test_a_loss_on_chunks_is_refused(extern_data):
    from boulder.errors import NetworkError
    from boulder.network import describe

    net = {"output": {"class": "time_chunking", "from": "data", "chunk_size": 3, "chunk_step": 1, "loss": "as_is"}}
    with pytest.raises(
        NetworkError, match="a loss on chunks is not supported; 'time_unchunking' makes them one sequence"
    ):
        describe(net, extern_data)
