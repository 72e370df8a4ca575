"""Growth of parameters from one phase's network to the next, and RETURNN's `subset`."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.network import ParamSpec, describe
from boulder.training.growth import GrowthReport, grow, guess_old_splits, plan_growth, subset

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}
SAID = {None: "ifpossible", "ifpossible": "ifpossible", "subset": "subset", "reset": "reset"}


def network(layers: int, width: int) -> dict:
    """BLSTM layers, as pretraining adds them."""
    net, source = {}, ["data"]
    for i in range(layers):
        for name, direction in (("fw", 1), ("bw", -1)):
            net[f"{name}{i}"] = {"class": "rec", "from": source, "n_out": width, "direction": direction}
        source = [f"fw{i}", f"bw{i}"]
    return net | {"output": {"class": "softmax", "from": source, "loss": "ctc"}}


def params(net: dict) -> dict[str, ParamSpec]:
    return describe(net, EXTERN_DATA).params


def old_values(specs) -> dict[str, np.ndarray]:
    """Positive numbers, all different."""
    sizes = itertools.accumulate((spec.size for spec in specs.values()), initial=1)
    return {
        path: np.arange(at, at + spec.size, dtype="float32").reshape(spec.shape)
        for at, (path, spec) in zip(sizes, specs.items(), strict=False)
    }


def fresh(spec: ParamSpec) -> np.ndarray:
    return np.full(spec.shape, -1, "float32")


# Modes


@pytest.mark.parametrize("mode", [None, "ifpossible", "subset"])
def test_growing_to_the_same_network_is_the_identity(mode):
    specs = params(network(2, 3))
    old = old_values(specs)
    new, report = grow(old, specs, specs, fresh, mode)
    assert set(new) == set(old) == set(specs)
    assert all((new[path] == old[path]).all() for path in old)
    assert report == GrowthReport(copied=list(specs))


@pytest.mark.parametrize("mode", SAID)
def test_a_deeper_and_wider_network(mode):
    old_specs, new_specs = params(network(1, 2)), params(network(2, 3))
    old = old_values(old_specs)
    new, report = grow(old, old_specs, new_specs, fresh, mode)
    assert {path: value.shape for path, value in new.items()} == {path: p.shape for path, p in new_specs.items()}
    assert report == plan_growth(old_specs, new_specs, mode)
    second = [path for path in new_specs if path[:3] in ("fw1", "bw1")]
    resized = {path: (spec.shape, new_specs[path].shape) for path, spec in old_specs.items() if path != "output/b"}
    assert report.dropped == []
    assert set(report.initialised) | set(report.copied) | set(report.grown) == set(new_specs)
    match SAID[mode]:
        case "reset":
            assert set(report.initialised) == set(new_specs)
        case "ifpossible":
            assert report.copied == ["output/b"]
            assert set(report.initialised) == {*second, *resized}
        case "subset":
            assert report.copied == ["output/b"]
            assert report.grown == resized
            assert set(report.initialised) == set(second)
            # columns by gate
            W, grown = old["fw0/rec/W"], new["fw0/rec/W"]
            for gate in range(4):
                assert (grown[:, 3 * gate : 3 * gate + 2] == W[:, 2 * gate : 2 * gate + 2]).all()
                assert (grown[:, 3 * gate + 2] == -1).all()
            # rows by source
            W, grown = old["output/W"], new["output/W"]
            assert (grown[[0, 1, 3, 4]] == W).all()
            assert (grown[[2, 5]] == -1).all()
    for path in report.initialised:
        assert (new[path] == -1).all()
    for path in report.copied:
        assert (new[path] == old[path]).all()


def test_shrinking_keeps_the_beginning_of_each_part():
    old_specs, new_specs = params(network(1, 3)), params(network(1, 2))
    old = old_values(old_specs)
    new, report = grow(old, old_specs, new_specs, fresh, "subset")
    assert str(report) == "1 parameter copied, 7 grown (7 of them shrunk), 0 initialised, 0 dropped"
    assert report.to_json()["shrunk"] == [path for path in old_specs if path != "output/b"]
    assert (new["output/W"] == old["output/W"][[0, 1, 3, 4]]).all()
    assert (new["fw0/rec/b"] == old["fw0/rec/b"].reshape(4, 3)[:, :2].ravel()).all()
    assert min(value.min() for value in new.values()) > 0  # nothing is new


def test_parameters_of_removed_layers_are_reported():
    report = plan_growth(params(network(2, 3)), params(network(1, 3)))
    assert set(report.dropped) == {f"{layer}/rec/{name}" for layer in ("fw1", "bw1") for name in ("W", "W_re", "b")}
    assert report.initialised == []


def test_a_report_as_text_and_as_json():
    report = plan_growth(params(network(1, 2)), params(network(2, 3)), "subset")
    assert str(report) == "1 parameter copied, 7 grown, 6 initialised, 0 dropped"
    assert report.to_json()["grown"]["fw0/rec/b"] == ((8,), (12,))


def test_without_old_parameters_all_are_initialised():
    specs = params(network(1, 2))
    new, report = grow({}, {}, specs, fresh)
    assert report == GrowthReport(initialised=list(specs))
    assert set(new) == set(specs)


def test_old_and_new_match_by_layer_and_name_not_by_path():
    old = {"a/x": ParamSpec("layer", "W", "a/x", (2,))}
    new = {"b/y": ParamSpec("layer", "W", "b/y", (2,)), "a/x": ParamSpec("other", "W", "a/x", (2,))}
    values, report = grow({"a/x": np.array([1.0, 2.0])}, old, new, fresh)
    assert report == GrowthReport(copied=["b/y"], initialised=["a/x"])
    assert values["b/y"].tolist() == [1, 2]


@pytest.mark.parametrize("mode", ["subset", "subset_by_source", "stack"])
def test_another_number_of_axes_cannot_be_grown(mode):
    old, new = ({"l/W": ParamSpec("l", "W", "l/W", shape)} for shape in ((4,), (2, 2)))
    with pytest.raises(ConfigError) as caught:
        plan_growth(old, new, mode)
    assert str(caught.value) == (
        f"growth by {mode}: parameter 'l/W' has 2 axes, (2, 2), but had 1 before, (4,); set the layer's "
        "custom_param_importer to 'reset'"
    )


@pytest.mark.parametrize("mode", [None, "ifpossible", "reset"])
def test_another_number_of_axes_is_initialised_by_modes_that_do_not_grow(mode):
    old, new = ({"l/W": ParamSpec("l", "W", "l/W", shape)} for shape in ((4,), (2, 2)))
    assert plan_growth(old, new, mode) == GrowthReport(initialised=["l/W"])


def test_grown_values_do_not_share_memory_with_old_ones():
    old_specs, new_specs = params(network(1, 3)), params(network(1, 2))
    old = old_values(old_specs)
    new, _ = grow(old, old_specs, new_specs, fresh, "subset")
    before = new["output/W"].copy()
    old["output/W"][:] = 0
    assert (new["output/W"] == before).all()


def test_an_unknown_mode_is_an_error():
    with pytest.raises(ConfigError, match=r"^growth: unknown copy_param_mode 'subsets'; did you mean 'subset'\?$"):
        plan_growth({}, {}, "subsets")


def test_an_axis_that_cannot_have_been_split_like_the_new_one_is_an_error():
    old = {"l/W": ParamSpec("l", "W", "l/W", (3, 5))}
    new = {"l/W": ParamSpec("l", "W", "l/W", (10, 6), returnn_splits=((6, 4), (6,)))}
    with pytest.raises(ConfigError) as caught:
        plan_growth(old, new, "subset")
    assert str(caught.value) == (
        "growth of parameter 'l/W' from (3, 5) to (10, 6): an axis of size 3 cannot have been split like the new one, "
        "[6, 4]; use copy_param_mode 'ifpossible'"
    )


# RETURNN's `subset`

# new parts per axis, old shape → old parts: what RETURNN 1.20261022 makes of them
SPLITS_BY_RETURNN = [
    (((5,), (3, 3, 3, 3)), (3, 8), [[3], [2, 2, 2, 2]]),
    (((3,), (3, 3, 3, 3)), (2, 8), [[2], [2, 2, 2, 2]]),
    (((4, 6), (7,)), (7, 7), [[4, 3], [7]]),
    (((6, 6), (6,)), (4, 3), [[1, 3], [3]]),
    (((6, 6, 5), (6,)), (13, 4), [[4, 4, 5], [4]]),
    (((4, 6, 5), (7,)), (11, 7), [[4, 6, 1], [7]]),
    (((4, 6), (4,)), (9, 3), [[3, 6], [3]]),
    (((3, 3, 3, 3),), (9,), [[3, 3, 3, 0]]),
    (((3, 3, 3, 3),), (8,), [[2, 2, 2, 2]]),
    (((5, 5), (5,)), (6, 4), [[2, 4], [4]]),
    (((2, 3), (2,), (3,)), (9, 4, 5), [[4, 5], [4], [5]]),
    (((7,),), (3,), [[3]]),
    (((6, 6), (6,)), (9, 3), [[6, 3], [3]]),
    (((2, 8), (3,)), (4, 3), [[2, 2], [3]]),
    (((5, 3, 5), (5,)), (7, 2), [[2, 3, 2], [2]]),
    (((3, 3),), (7,), [[3, 4]]),
    (((4, 4), (4,)), (4, 4), [[0, 4], [4]]),  # the rule takes one axis for the other where their parts are of one size
]
REFUSED_BY_RETURNN = [
    (((6, 4), (6,)), (3, 5)),
    (((6, 6), (6,)), (3, 5)),
    (((5, 3, 5), (5,)), (7, 4)),
    (((4, 4), (4,)), (2, 4)),  # a layer as wide as each of its sources: the rule takes one for the other
]


@pytest.mark.parametrize(("splits", "old_shape", "expected"), SPLITS_BY_RETURNN)
def test_old_splits_are_guessed_by_returnns_rule(splits, old_shape, expected):
    assert guess_old_splits(splits, old_shape) == expected


@pytest.mark.parametrize(("splits", "old_shape"), REFUSED_BY_RETURNN)
def test_splits_on_which_returnn_fails_are_an_error(splits, old_shape):
    with pytest.raises(ConfigError, match=r"^an axis of size \d+ cannot have been split like the new one, \["):
        guess_old_splits(splits, old_shape)


def test_values_are_placed_as_in_returnn():
    def grown(splits, old_shape):
        old = 1.0 + np.arange(np.prod(old_shape)).reshape(old_shape)
        return subset(old, -np.ones([sum(parts) for parts in splits]), splits).astype(int).tolist()

    assert grown(((3,), (3, 3, 3, 3)), (2, 8)) == [
        [1, 2, -1, 3, 4, -1, 5, 6, -1, 7, 8, -1],
        [9, 10, -1, 11, 12, -1, 13, 14, -1, 15, 16, -1],
        [-1] * 12,
    ]
    assert grown(((4, 6), (4,)), (7, 3)) == [
        [1, 2, 3, -1],
        [4, 5, 6, -1],
        [7, 8, 9, -1],
        [-1] * 4,
        [10, 11, 12, -1],
        [13, 14, 15, -1],
        [16, 17, 18, -1],
        [19, 20, 21, -1],
        [-1] * 4,
        [-1] * 4,
    ]
    assert grown(((1,), (2, 2, 2, 2)), (1, 12)) == [[1, 2, 4, 5, 7, 8, 10, 11]]


# Laws

PARTS = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple) | st.tuples(
    st.integers(1, 4), st.integers(1, 5)
).map(lambda x: x[:1] * x[1])
SPLITS = st.lists(PARTS, min_size=1, max_size=3).map(tuple)


def shape_of(splits) -> tuple[int, ...]:
    return tuple(sum(parts) for parts in splits)


def try_guess(splits, old_shape):
    try:
        return guess_old_splits(splits, old_shape)
    except ConfigError:
        assume(False)


@given(SPLITS)
def test_law_an_array_of_the_new_shape_is_unchanged(splits):
    old = 1.0 + np.arange(np.prod(shape_of(splits))).reshape(shape_of(splits))
    assert guess_old_splits(splits, old.shape) == [list(parts) for parts in splits]
    assert (subset(old, np.zeros(old.shape), splits) == old).all()


@given(SPLITS, st.data())
def test_law_guessed_parts_are_not_negative_and_sum_to_the_size(splits, data):
    old_shape = tuple(data.draw(st.integers(1, 20)) for _ in splits)
    guess = try_guess(splits, old_shape)
    assert [sum(parts) for parts in guess] == list(old_shape)
    assert [len(parts) for parts in guess] == [len(parts) for parts in splits]
    assert min(min(parts) for parts in guess) >= 0


@given(SPLITS, st.data())
def test_law_every_part_starts_with_the_old_part_and_the_rest_is_fresh(splits, data):
    old_shape = tuple(data.draw(st.integers(1, 20)) for _ in splits)
    guess = try_guess(splits, old_shape)
    old = 1.0 + np.arange(np.prod(old_shape)).reshape(old_shape)
    new = subset(old, np.full(shape_of(splits), -1.0), splits)
    expected = np.full(new.shape, -1.0)
    index = []  # per axis: (new, old) of each entry that is taken over
    for parts, old_parts in zip(splits, guess, strict=True):
        starts = zip(np.cumsum([0, *parts[:-1]]), np.cumsum([0, *old_parts[:-1]]), strict=True)
        index.append(
            [(a + i, b + i) for (a, b), n, m in zip(starts, parts, old_parts, strict=True) for i in range(min(n, m))]
        )
    for entry in itertools.product(*index):
        expected[tuple(a for a, _ in entry)] = old[tuple(b for _, b in entry)]
    assert (new == expected).all()


@given(SPLITS, st.integers(2, 4))
def test_law_if_all_parts_grow_by_a_factor_all_old_values_are_kept(splits, factor):
    """This holds if parts of equal size are of the same kind; inputs of several sizes of a linear layer are guessed."""
    assume(all(len(set(parts)) == 1 for parts in splits))
    new_splits = tuple(tuple(factor * part for part in parts) for parts in splits)
    old = 1.0 + np.arange(np.prod(shape_of(splits))).reshape(shape_of(splits))
    new = subset(old, np.full(shape_of(new_splits), -1.0), new_splits)
    assert sorted(new[new > 0]) == sorted(old.ravel())
    assert (subset(new, np.full(old.shape, -1.0), splits) == old).all()


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.sampled_from(list(SAID)))
def test_law_every_new_parameter_is_in_one_list_of_the_report(layers, width, new_layers, new_width, mode):
    old_specs, new_specs = params(network(layers, width)), params(network(new_layers, new_width))
    try:
        new, report = grow(old_values(old_specs), old_specs, new_specs, fresh, mode)
    except ConfigError:
        assume(False)
    assert sorted([*report.copied, *report.grown, *report.initialised]) == sorted(new_specs) == sorted(new)
    assert set(report.dropped) == set(old_specs) - set(new_specs)
    for path, value in new.items():
        assert value.shape == new_specs[path].shape
        assert value.dtype == "float32"
