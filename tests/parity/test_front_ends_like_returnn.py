"""Windows, transposed convolutions, norms over axes, weighted sums and variables give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}, "classes": {"dim": 3, "sparse": True, "shape": (None,)}}
RAGGED, EQUAL = {"data": [5, 2, 4], "classes": [3, 4, 2]}, {"data": [5, 5], "classes": [3, 4]}
H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"}}
SPLIT = {"s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)}}
FLAT = {"x": {"class": "merge_dims", "from": "w", "axes": "static"}}


def of(source, class_name, name="x", **options):
    return {name: {"class": class_name, "from": source, **options}}


def loop(**unit):
    return {"x": {"class": "rec", "from": "h", "unit": unit}}


def linear(source, n_out):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh"}


def window(**options):
    return of("h", "window", "w", **options) | FLAT


IN_LOOP = {"w": {"class": "window", "from": "data:source", "window_size": 3, "window_right": 0}}
FED_BACK = {"w": {"class": "window", "from": "prev:output", "window_size": 3, "window_left": 2}}
AFTER = {"f": {"class": "merge_dims", "from": "w", "axes": "static"}, "output": linear(["f", "data:source"], 4)}
VECTOR = {"class": "variable", "shape": (6,), "init": "glorot_uniform"}

RAGGED_CASES = {
    "norm F": of("h", "norm", axes="F"),
    "norm F of heads": SPLIT | of("s", "norm", axis=["F", "dim:2"], param_shape=["dim:2", "F"], epsilon=1e-3) ,
    "norm without parameters": of("h", "norm", "n", axes="F", scale=False, bias=False) | of(["h", "n"], "combine", kind="mul"),
    "norm without scale": of("h", "norm", axes="F", scale=False),
    "math norm F": of("h", "math_norm", p=3, axes="F", keep_dims=True),
    "math norm of heads": SPLIT | of("s", "math_norm", p=2, axis="dim:2"),
    "window in a loop": loop(**IN_LOOP, **AFTER),
    "window of what is fed back": loop(**FED_BACK, **AFTER),
    "window into the past": window(window_size=3, window_right=0),
    "window of size 1": window(window_size=1),
    "weighted sum of heads": SPLIT | of("s", "weighted_sum", axes="dim:2"),
    "weighted sum of all": SPLIT | of("s", "weighted_sum", "w", axes="static") | of(["h", "h"], "combine", kind="add"),
    "variable": {"v": VECTOR} | of(["h", "v"], "combine", kind="mul"),
    "variable with a batch axis": {"v": VECTOR | {"add_batch_axis": True}} | of(["h", "v"], "combine", kind="add"),
    "variable with axes": {"v": VECTOR | {"shape": (2, 3), "init": 0.5, "param_name": "w"}} | SPLIT | of(["s", "v"], "combine", kind="add"),
    "variable that is not trained": {"v": VECTOR | {"trainable": False}} | of(["h", "v"], "combine", kind="mul"),
    "transposed conv by its size": of("h", "transposed_conv", filter_size=(3,), n_out=4),
    "transposed conv by its size, valid": of("h", "transposed_conv", filter_size=[2], n_out=4, padding="valid", activation="tanh"),
}  # fmt: skip
# with sequences of equal lengths, since these layers read the padding in RETURNN
EQUAL_CASES = {
    "norm T": of("h", "norm", axes="T"),
    "norm TF": of("h", "norm", axes=["T", "F"]),
    "norm of heads": SPLIT | of("s", "norm", axis="except_batch", param_shape=["dim:2", "F"]),
    **{f"window {size}": window(window_size=size) for size in (3, 4)},
    "window left": window(window_size=3, window_left=0),
    "window with stride": window(window_size=3, stride=2),
    "window right with stride": window(window_size=4, stride=3, window_right=1),
    "valid window": window(window_size=3, padding="valid"),
    "valid window with stride": window(window_size=2, padding="valid", stride=2),
    "window over heads": SPLIT | of("s", "window", "w", window_size=3, axis="dim:2") | FLAT,
    **{
        f"transposed conv {padding} {size} {strides} {removed}": of("h", "transposed_conv", filter_size=(size,), strides=(strides,), padding=padding, remove_padding=removed, n_out=4)
        for padding in ("same", "valid") for size, strides, removed in ((3, 2, 0), (2, 3, 0), (4, 2, 1), (3, 1, 1))
    },
    "transposed conv with output padding": of("h", "transposed_conv", filter_size=[3], strides=[2], output_padding=1, n_out=4, with_bias=False),
    "transposed conv in two dimensions": SPLIT | of("s", "transposed_conv", "w", filter_size=(3, 2), strides=(2, 1), in_spatial_dims=["T", "dim:2"], n_out=2) | FLAT,
    "weighted sum along heads": SPLIT | of("s", "weighted_sum", "w", axes="dim:2", size=(2,), padding="same") | FLAT,
    "strided depthwise conv": of("h", "conv", filter_size=(3,), padding="same", strides=2, groups=6, n_out=6, with_bias=True),
    "depthwise conv with 2 outputs": of("h", "conv", filter_size=(3,), padding="same", groups=6, n_out=12, with_bias=True),
    "depthwise conv in two dimensions": SPLIT | of("s", "conv", "w", filter_size=(3, 2), padding="same", groups=3, n_out=3, in_spatial_dims=["T", "dim:2"]) | FLAT,
    "dilated depthwise conv": of("h", "conv", filter_size=(3,), padding="same", dilation_rate=2, groups=6, n_out=6),
}  # fmt: skip


def net(layers: dict) -> dict:
    return H | layers | {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(
        returnn,
        {key: network_case(net(layers), EXTERN_DATA, RAGGED, ("x",)) for key, layers in RAGGED_CASES.items()}
        | {key: network_case(net(layers), EXTERN_DATA, EQUAL, ("x",)) for key, layers in EQUAL_CASES.items()},
    )


@pytest.mark.parametrize("name", [*RAGGED_CASES, *EQUAL_CASES])
def test_outputs_losses_and_gradients(name, results):
    compare(*results[name])
