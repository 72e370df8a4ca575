"""Functions of `returnn.tf.util.basic` for code in net dicts, and what else it finds of RETURNN's objects."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network.code import axis_functions as f
from boulder.network.code.running import code_of
from boulder.network.random_stream import RandomStream
from boulder.returnn.provided import tensors

X = np.arange(6, dtype="float32").reshape(2, 3)


def test_axes_are_moved_added_and_cut():
    found = {
        "swapaxes": f.swapaxes(X, 0, -1),
        "move_axis": f.move_axis(X[None], 0, -1),
        "dimshuffle": f.dimshuffle(X[:, None], (2, "x", 0)),
        "expand_multiple_dims": f.expand_multiple_dims(X, (0, -1)),
        "expand_dims_unbroadcast": f.expand_dims_unbroadcast(X, 1, 2),
        "tile_transposed": f.tile_transposed(X, 1, 2),
        "pad_zeros_in_axis": f.pad_zeros_in_axis(X, 1, 2, axis=-1),
        "single_strided_slice": f.single_strided_slice(X, 1, 0, None, 2),
        "batch_gather": f.batch_gather(X, tf.constant([2, 0])),
        "constant_with_shape": f.constant_with_shape(2.0, (2, 3)),
        "sequence_mask_time_major": f.sequence_mask_time_major(tf.constant([1, 3])),
        "reversed": f.reversed(X),
    }
    expected = {
        "swapaxes": X.T,
        "move_axis": X[..., None],
        "dimshuffle": X.T[:, None],
        "expand_multiple_dims": X[None, ..., None],
        "expand_dims_unbroadcast": np.stack([X, X], 1),
        "tile_transposed": np.repeat(X, 2, 1),
        "pad_zeros_in_axis": np.pad(X, [(0, 0), (1, 2)]),
        "single_strided_slice": X[:, ::2],
        "batch_gather": [2, 3],
        "constant_with_shape": np.full((2, 3), 2.0),
        "sequence_mask_time_major": [[True, True], [False, True], [False, True]],
        "reversed": X[::-1],
    }
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(found[name]), value, err_msg=name)
    assert f.batch_gather(X, tf.constant([2, 0]), keepdims=True).shape == [2, 1]
    indices = tf.constant([[2, 0, 0], [1, 1, 1]])
    assert f.nd_indices(indices)[1, 2].numpy().tolist() == [1, 1]
    with pytest.raises(NetworkError, match="as allow_only_noop says"):
        f.unbroadcast_to_common_shape(X[:1], (2, 3), allow_only_noop=True)
    with pytest.raises(NetworkError, match="found a tensor of 2 axes, expected 3"):
        f.check_input_ndim(X, 3)


def test_numbers_gradients_and_what_may_be_absent():
    assert f.nan_to_num(tf.constant([np.nan, np.inf, -np.inf, 2.0]), inf_num=9.0).numpy().tolist() == [0, 9, -9, 2]
    assert (f.optional_add(None, 2, None, 3), f.optional_mul(2, None, 3), f.optional_add(None)) == (5, 6, None)
    assert f.to_int32_64(tf.constant([1], tf.int8)).dtype == tf.int32
    assert f.to_float32(tf.constant([1])).dtype == tf.float32
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = f.flip_gradient(x, 0.5)
    assert (float(y), float(tape.gradient(y, x))) == (3.0, -0.5)


@pytest.mark.parametrize("train", [True, False])
def test_whether_the_network_is_trained_is_known_within_layers(train):
    with code_of(RandomStream("a", 0, 0, train)):
        assert bool(f.get_global_train_flag()) == train
        assert f.cond_on_train_flag(lambda: "train", lambda: "eval") == ("train" if train else "eval")
    with pytest.raises(NetworkError, match="outside of layers"):
        f.get_global_train_flag()


def test_configs_import_them_under_the_name_of_the_module():
    assert set(f.NAMES) <= {*tensors.__all__}
    assert tensors.expand_dims_unbroadcast is f.expand_dims_unbroadcast


def test_data_has_the_roles_of_its_axes_and_copies_in_other_orders(run, random_batch):
    data, lengths = random_batch([3, 1])
    data["data"][1, 1:] = 0
    seen = []

    def function(source, self, **_kwargs):
        x = source(0, as_data=True)
        seen.append(
            [
                (x.get_dynamic_axes(), x.get_static_axes(), x.get_spatial_batch_axes(), x.get_spatial_axes()) == ([1], [2], [1], [0]),
                [x.get_axis_from_description(axis) for axis in ("spatial:0", "dim:5", "static:-1", "dyn:0", -1)] == [1, 2, 2, 1, 2],
                x.get_axes(exclude_batch=True) == [1, 2] and x.get_batch_axis(0) == 1,
                x.is_time_axis_dynamic() and x.has_axis("T") and not x.has_axis("dim:6"),
                x.get_dim(2) == 5 and int(x.get_dim(1)) == 3,
                x.get_sequence_lengths_broadcast().shape == [2, 1, 1],
                x.copy_with_feature_dim_axis(0).batch_shape == (5, None, None),
                x.copy_transpose([1, 0, 2]).is_time_major and x.copy_swap_axes("B", "T").is_time_major,
                x.get_placeholder_time_flattened().shape == [4, 5],
                float(x.copy_masked(7.0).placeholder[1, 2, 0]) == 7.0,
                x.copy_compatible_to(x.copy_as_time_major()).is_time_major,
                self.network.eval_flag and 0 <= self.network.random.randint(100) < 100,
            ]
        )  # fmt: skip
        for name, message in (("get_layer", "'from'"), ("get_rec_step_index", "':i' in 'from'")):
            with pytest.raises(NetworkError, match=message):
                getattr(self.network, name)
        with pytest.raises(NetworkError, match="layer 'variable'"):
            self.add_param  # noqa: B018
        return source(0)

    run({"output": {"class": "eval", "from": "data", "eval": function}}, data, lengths)
    assert seen[0] == [True] * 12


def test_the_logarithm_of_a_softmax_is_exact_in_a_graph():
    @tf.function
    def found(x):
        return tensors.safe_log(tf.nn.softmax(x)), tensors.safe_log(tf.exp(x)), tensors.safe_exp(tf.nn.log_softmax(x))

    x = tf.constant([0.0, -100.0])
    log_p, own, p = found(x)
    np.testing.assert_allclose(log_p, tf.nn.log_softmax(x))
    np.testing.assert_array_equal(own, x)
    np.testing.assert_allclose(p, tf.nn.softmax(x))


def test_the_gradient_of_clipped_numbers():
    x = tf.Variable([1e-30, 0.5])
    with tf.GradientTape(persistent=True) as tape:
        log, plain = tensors.safe_log(x, eps=0.25), tensors.safe_log(x, eps=0.25, use_fake_grad=False)
    np.testing.assert_allclose(tape.gradient(log, x), [4.0, 2.0])
    np.testing.assert_allclose(tape.gradient(plain, x), [0.0, 2.0])
