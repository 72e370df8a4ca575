"""Functions of `returnn.tf.util.basic` that code in net dicts calls have RETURNN's parameters, results and gradients."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from boulder.network.code.axis_functions import NAMES
from boulder.network.code.tensor_functions import FUNCTIONS
from boulder.returnn.provided import tensors

pytestmark = pytest.mark.parity
X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
P = np.float32([[1e-30, 0.5, 0.0], [0.25, 1.0, 1e-10]])
INDICES = np.int32([[2, 0, 0], [1, 1, 1]])
LENGTHS = np.int32([1, 3])
CASES = [
    ("batch_gather", (X, np.int32([2, 0])), {}),
    ("batch_gather", (X, np.int32([2, 0])), {"keepdims": True}),
    ("check_input_ndim", (X, 3), {}),
    ("check_shape_equal", (X, 2 * X), {}),
    ("constant_with_shape", (2.5, (2, 3)), {}),
    ("constant_with_shape", (2, (2, 3)), {"dtype": "float32"}),
    ("dimshuffle", (X[:, :1], (2, "x", 0)), {}),
    ("dimshuffle", (X, ("x", 1, 0, "x", 2)), {}),
    ("dropout", (X, 1), {"seed": 1}),
    ("expand_dims_unbroadcast", (X, 1, 2), {}),
    ("expand_dims_unbroadcast", (X, -1, 3), {}),
    ("expand_multiple_dims", (X, (0, -1)), {}),
    ("expand_multiple_dims", (X, (1, 2)), {}),
    ("flip_gradient", (X,), {}),
    ("flip_gradient", (X,), {"scale": 0.5}),
    ("get_ndim", (X,), {}),
    ("get_range", (4,), {}),
    ("get_range", (2, 5), {}),
    ("get_shape", (X,), {}),
    ("get_shape_dim", (X, 1), {}),
    ("identity", (X,), {}),
    ("move_axis", (X, 0, -1), {}),
    ("move_axis", (X, 2, 0), {}),
    ("nan_to_num", (np.float32([1, np.nan, np.inf, -np.inf]),), {"nan_num": 3.0, "inf_num": 9.0}),
    ("nd_indices", (INDICES,), {}),
    ("nd_indices", (INDICES,), {"batch_axis": 1}),
    ("nd_indices", (INDICES,), {"batch_axis": 1, "indices_batch_major": True}),
    ("optional_add", (None, X, None, X), {}),
    ("optional_mul", (X, None, X), {}),
    ("pad_zeros_in_axis", (X, 1, 2), {"axis": 1}),
    ("pad_zeros_in_axis", (X,), {"after": 2, "axis": -1}),
    ("reversed", (X,), {}),
    ("safe_exp", (np.float32([-100, 0.5, 100]),), {}),
    ("safe_log", (P,), {}),
    ("safe_log", (P,), {"use_fake_grad": False}),
    ("safe_log", (P,), {"eps": 0.3}),
    ("sequence_mask", (LENGTHS,), {}),
    ("sequence_mask", (LENGTHS,), {"maxlen": 5}),
    ("sequence_mask_time_major", (LENGTHS,), {}),
    ("sequence_mask_time_major", (LENGTHS,), {"maxlen": 5}),
    ("single_strided_slice", (X, 1), {"begin": 1}),
    ("single_strided_slice", (X, -1, 0, None, 2), {}),
    ("swapaxes", (X, 0, -1), {}),
    ("tile_transposed", (X, 1, 2), {}),
    ("to_float32", (INDICES,), {}),
    ("to_int32_64", (np.int64([1, 2]),), {}),
    ("to_int32_64", (np.uint8([1, 2]),), {}),
    ("unbroadcast_to_common_shape", (X[:, :1], (2, 3, 4)), {}),
    ("unbroadcast_to_common_shape", (X[:1, :1], (2, 3, 4)), {"ignore_axes": (0,)}),
    ("unbroadcast_to_common_shape", (2.0, (2, 3)), {}),
    ("unbroadcast_to_common_shape", (X, (2, 3, 4)), {"allow_only_noop": True}),
    ("where_bc", (X[:, :1] > 0, X, np.float32(0)), {}),
    ("where_bc", (X > 0, X, 2 * X[:1]), {}),
]  # fmt: skip
"""(name, arguments, named arguments)"""
OF_LAYERS = {"cond_on_train_flag", "get_global_train_flag"}
"""what depends on the network"""


@pytest.fixture(scope="module")
def expected(returnn):
    (results,) = returnn([{"kind": "functions", "calls": CASES}])
    return results


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{i} {name}" for i, (name, _, _) in enumerate(CASES)])
def test_parameters_results_and_gradients_match(number, expected):
    name, arguments, named = CASES[number]
    parameters, value, gradients = expected[number]
    function = getattr(tensors, name)
    assert set(parameters) <= set(inspect.signature(function).parameters)
    arguments = [tf.constant(value) if hasattr(value, "dtype") else value for value in arguments]
    floats = [value for value in arguments if tf.is_tensor(value) and value.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        result = tf.convert_to_tensor(function(*arguments, **named))
        objective = tf.reduce_sum(tf.square(result)) if gradients else None
    assert result.dtype.as_numpy_dtype == value.dtype
    np.testing.assert_allclose(result.numpy(), value, rtol=1e-5)
    if gradients:
        own = [gradient for gradient in tape.gradient(objective, floats) if gradient is not None]
        for ours, theirs in zip(own, gradients, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5)


def test_all_functions_are_compared():
    assert {name for name, _, _ in CASES} == {*NAMES, *FUNCTIONS} - OF_LAYERS
