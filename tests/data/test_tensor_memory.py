"""Arrays that become tensors without a copy."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from boulder.data.tensor_memory import aligned_zeros, as_tensor


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8"])
def test_a_large_array_is_the_memory_of_its_tensor(dtype):
    array = aligned_zeros((40, 300, 12), dtype)
    assert not array.any()
    assert array.ctypes.data % 64 == 0
    tensor = as_tensor(array)
    assert (tensor.dtype, tensor.shape, tensor.device[-5:]) == (dtype, (40, 300, 12), "CPU:0")
    array[3, 4, 5] = 7
    assert tensor[3, 4, 5] == 7


def parts(array: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "small": np.ones((3, 2), "float32"),
        "of another owner": np.ones((300, 300), "float32"),
        "first rows": array[:200],
        "first columns": array[:, :200],
        "transposed": array.T,
        "truth values": aligned_zeros((300, 300), "bool"),
        "empty": aligned_zeros((0, 5), "float32"),
    }


@pytest.mark.parametrize("name", parts(np.zeros((300, 300))))
def test_other_arrays_are_copied(name):
    array = parts(aligned_zeros((300, 300), "float32"))[name]
    tensor = as_tensor(array)
    np.testing.assert_array_equal(tensor.numpy(), array)
    if array.size:
        array[0, 0] = not array[0, 0]
        assert (tensor.numpy() != array).sum() == 1


def test_the_memory_lives_as_long_as_the_tensor_or_the_array():
    array = aligned_zeros((300, 300), "float32")
    memory = weakref.ref(array.base)
    array += 3
    tensor = as_tensor(array)
    del array
    gc.collect()
    assert memory() is not None
    assert tf.reduce_sum(tensor) == 270_000
    del tensor
    gc.collect()
    assert memory() is None


def test_a_traced_function_leaves_the_memory_alone():
    array = aligned_zeros((300, 300), "float32")
    array += 1
    result = tf.function(lambda x: tf.nn.relu(-x * 2 + 1))(as_tensor(array))
    assert (array == 1).all()
    assert not result.numpy().any()
