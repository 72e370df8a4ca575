"""Arguments of `eval` functions: the sources with or without their axes, `self`, and the network."""

import numpy as np
import pytest

from boulder.errors import ConfigError, NetworkError

LENGTHS = [3, 1]


@pytest.fixture
def random_batch(random_batch):
    """As for other tests, with 0 in the padding, which is what code sees there."""

    def make(lengths) -> tuple[dict, dict]:
        data, sizes = random_batch(lengths)
        data["data"][1, 1:] = 0
        return data, sizes

    return make


@pytest.fixture
def seen(run, random_batch):
    """:return: function (inspection of `source` and `self`, options of the network run) → result of the inspection"""

    def look(inside, sources=("data",), **options):
        data, lengths = random_batch(LENGTHS)
        found = []

        def function(source, self, **kwargs):
            found.append(inside(source, self))
            return source(0)

        net = {"class": "eval", "from": list(sources), "eval": function, "eval_locals": {"more": 1}}
        run({"output": net}, data, lengths, **options)
        return found[0], data

    return look


def test_a_source_as_data_has_the_positions_of_its_axes(seen):
    x, data = seen(lambda source, self: source(0, as_data=True, auto_convert=False))
    assert (x.batch_dim_axis, x.time_dim_axis, x.feature_dim_axis) == (0, 1, 2)
    assert (x.dim, x.sparse, x.dtype, x.batch_ndim, x.ndim) == (5, False, "float32", 3, 2)
    assert (x.batch_shape, x.shape) == ((None, None, 5), (None, 5))
    assert x.get_sequence_lengths().numpy().tolist() == LENGTHS
    assert {axis: lengths.numpy().tolist() for axis, lengths in x.size_placeholder.items()} == {0: LENGTHS}
    assert (x.placeholder.numpy() == data["data"]).all()
    assert [x.get_axis_from_description(axis) for axis in ("B", "T", "F", "time", -1)] == [0, 1, 2, 1, 2]
    assert (int(x.get_batch_dim()), int(x.time_dimension())) == (2, 3)
    assert x.get_sequence_mask().numpy().tolist() == [[True] * 3, [True, False, False]]
    assert x.get_sequence_mask_broadcast().shape == [2, 3, 1]
    assert (x.is_batch_major, x.is_time_major, x.have_time_axis(), x.have_feature_axis()) == (True, False, True, True)
    turned = x.copy_as_time_major()
    assert (turned.batch_dim_axis, turned.time_dim_axis, turned.size_placeholder.keys()) == (1, 0, {0})
    assert (turned.placeholder.numpy() == data["data"].transpose(1, 0, 2)).all()
    assert (turned.get_placeholder_as_batch_major().numpy() == data["data"]).all()
    assert turned.get_sequence_mask().shape == [3, 2]


def test_class_indices_are_sparse(seen):
    x, _ = seen(lambda source, self: source(0, as_data=True, auto_convert=False), sources=("data:align",))
    assert (x.sparse, x.dim, x.dtype, x.feature_dim_axis, x.batch_ndim) == (True, 4, "int32", None, 2)


def test_sources_get_the_axes_of_all_sources_unless_auto_convert_is_false(seen):
    (both, alone), _ = seen(
        lambda source, self: (source(1), source(1, auto_convert=False)), sources=("data", "data:topic")
    )
    assert both.shape == [2, 1, 1]
    assert alone.shape == [2]


def test_enforce_batch_major_puts_the_batch_axis_first(run, random_batch, values):
    data, lengths = random_batch([3, 3])
    rec = {"rec": {"class": "rec", "unit": "nativelstm2", "n_out": 5, "from": "data"}}
    shapes = []

    def function(source, self):
        x = source(0, enforce_batch_major=True)
        shapes.append((x.shape.as_list(), source(0, as_data=True).is_time_major))
        return x

    net = rec | {"output": {"class": "eval", "from": "rec", "eval": function}}
    copied = rec | {"output": {"class": "copy", "from": "rec"}}
    assert (values(run(net, data, lengths)) == values(run(copied, data, lengths))).all()
    assert shapes == [([2, 3, 5], True)]


def test_self_and_its_network(seen):
    (name, step, flags, chosen), _ = seen(
        lambda source, self: (
            [self.name, self.output.dim, self.sources[0].name, source(0, as_layer=True).output.dim],
            self.network.global_train_step,
            [self.network.train_flag.numpy(), self.train_flag.numpy()],
            self.network.cond_on_train(lambda: "train", lambda: "eval"),
        ),
        train=True,
        step=7,
    )
    assert name == ["output", 5, "data:data", 5]
    assert (int(step), step.dtype.name) == (7, "int64")
    assert (flags, chosen) == ([True, True], "train")


def test_cond_on_train_calls_only_the_function_of_the_mode(seen):
    def inside(source, self):
        return self.network.cond_on_train(lambda: 1 / 0, lambda: "eval"), bool(self.network.train_flag)

    assert seen(inside, train=False)[0] == ("eval", False)


def test_an_expression_may_use_self(run, random_batch, values):
    data, lengths = random_batch(LENGTHS)
    text = (
        "source(0) * self.network.cond_on_train(lambda: 2., lambda: 3.) * tf.to_float(self.network.global_train_step)"
    )
    net = {"output": {"class": "eval", "from": "data", "eval": text}}
    for train, factor in ((True, 10), (False, 15)):
        result = values(run(net, data, lengths, train=train, step=5))
        np.testing.assert_allclose(result, data["data"] * factor, rtol=1e-6)


def test_a_function_need_not_take_self(run, random_batch, values):
    data, lengths = random_batch(LENGTHS)
    net = {
        "output": {"class": "eval", "from": "data", "eval": lambda source, by: source(0) * by, "eval_locals": {"by": 2}}
    }
    assert (values(run(net, data, lengths)) == 2 * data["data"]).all()


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (lambda source, self: source(1), r"source\(1\): there are 1 sources, counted from 0"),
        (lambda source, self: self.netwrk, "Layer has no 'netwrk' for code in net dicts; did you mean 'network'"),
        (lambda source, self: self.network.train_flags, "Network has no 'train_flags' .*; did you mean 'train_flag'?"),
        (lambda source, self: source(0, as_data=True).batch_dim, "Data has no 'batch_dim' here; did you mean"),
        (
            lambda source, self: source(0, as_data=True).get_axis_from_description("S"),
            "axis 'S' is not a valid description",
        ),
        (lambda source, self: self.network.get_config(), "get_global_config: no config is being loaded"),
    ],
)
def test_a_missing_attribute_is_an_error_that_names_the_layer(seen, inside, message):
    with pytest.raises((NetworkError, ConfigError), match=r"^layer 'output' \(eval\): 'eval' failed: .*" + message):
        seen(inside)


def test_hasattr_is_false_for_missing_attributes(seen):
    def inside(source, self):
        return [hasattr(self, "network"), hasattr(self, "no_such"), hasattr(source(0, as_data=True), "beam")]

    assert seen(inside)[0] == [True, False, False]
