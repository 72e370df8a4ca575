"""`subset_by_source`, `init_from` and `stack`: rows follow their source layer and columns their gate."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.network import ParamSpec, Part, describe
from boulder.training.growth import (
    COPY_PARAM_MODES,
    GrowthOptions,
    GrowthReport,
    check_mode,
    grow,
    plan_growth,
)
from boulder.training.growth.growing import PRESERVING

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}
BY_SOURCE = "subset_by_source"


def lstm(source: list[str], width: int) -> dict:
    return {"class": "rec", "from": source, "n_out": width}


def params(net: dict) -> dict[str, ParamSpec]:
    return describe(net, EXTERN_DATA).params


def values_of(specs) -> dict[str, np.ndarray]:
    """Positive numbers, all different."""
    sizes = itertools.accumulate((spec.size for spec in specs.values()), initial=1)
    return {
        path: np.arange(at, at + spec.size, dtype="float32").reshape(spec.shape)
        for at, (path, spec) in zip(sizes, specs.items(), strict=False)
    }


def fresh(spec: ParamSpec) -> np.ndarray:
    return np.full(spec.shape, -1, "float32")


def grown(old: dict, new: dict, mode: str = BY_SOURCE, **options):
    """:return: old values, new values, report"""
    old_specs, new_specs = params(old), params(new)
    values = values_of(old_specs)
    result, report = grow(values, old_specs, new_specs, fresh, mode, GrowthOptions(**options))
    assert report == plan_growth(old_specs, new_specs, mode, GrowthOptions(**options))
    assert sorted([*report.copied, *report.grown, *report.initialised]) == sorted(new_specs) == sorted(result)
    return values, result, report


def two_sources(first: str, second: str, widths=None) -> dict:
    widths = {"a": 2, "b": 2, **(widths or {})}
    net = {name: lstm(["data"], width) for name, width in widths.items()}
    return net | {
        "rec": lstm([first, second], 3),
        "output": {"class": "softmax", "from": [first, second, "rec"], "loss": "ctc"},
    }


# Sources


def test_rows_follow_their_source_when_the_order_of_sources_changes():
    old, new, report = grown(two_sources("a", "b"), two_sources("b", "a"))
    for path in ("rec/rec/W", "output/W"):
        assert (new[path][:4] == old[path][[2, 3, 0, 1]]).all()
        assert report.grown[path] == (old[path].shape, old[path].shape)
    assert "rec/rec/W_re" in report.copied


def test_a_second_source_gets_fresh_rows_at_any_position():
    def net(sources):
        return {"a": lstm(["data"], 2), "b": lstm(["data"], 3), "rec": lstm(sources, 2)} | {
            "output": {"class": "softmax", "from": ["rec"], "loss": "ctc"}
        }

    old, new, _ = grown(net(["a"]), net(["b", "a"]))
    assert (new["rec/rec/W"][3:] == old["rec/rec/W"]).all()
    assert (new["rec/rec/W"][:3] == -1).all()
    old, new, report = grown(net(["a", "b"]), net(["b"]))
    assert (new["rec/rec/W"] == old["rec/rec/W"][2:]).all()
    assert {path.split("/")[0] for path in report.dropped} == {"a"}


def test_rows_are_followed_through_copy_layers():
    old_net, new_net = two_sources("a", "b"), two_sources("b", "a", {"a": 3})
    new_net["both"] = {"class": "copy", "from": ["b", "a"]}
    new_net["rec"]["from"] = ["both"]
    old, new, _ = grown(old_net, new_net)
    assert (new["rec/rec/W"][:4] == old["rec/rec/W"][[2, 3, 0, 1]]).all()
    assert (new["rec/rec/W"][4] == -1).all()


def test_a_layer_as_wide_as_each_of_its_sources_is_split_correctly_unlike_in_returnn():
    """RETURNN fails or copies wrong rows: see SPLITS_BY_RETURNN in test_growth.py."""

    def net(width):
        source = {name: lstm(["data"], width) for name in "ab"}
        return source | {
            "lin": {"class": "linear", "from": ["a", "b"], "n_out": 4},
            "output": {"class": "softmax", "from": "lin", "loss": "ctc"},
        }

    old, new, _ = grown(net(2), net(4))
    assert (new["lin/W"][[0, 1, 4, 5]] == old["lin/W"]).all()
    assert (new["lin/W"][[2, 3, 6, 7]] == -1).all()
    with pytest.raises(ConfigError, match="growth of parameter 'lin/W' from"):
        plan_growth(params(net(1)), params(net(4)), "subset")


def test_a_parameter_that_a_layer_lost_is_reported_as_dropped_where_returnn_asserts():
    net = {"output": {"class": "softmax", "from": "data", "loss": "ctc"}}
    without = {"output": net["output"] | {"with_bias": False}}
    for mode in COPY_PARAM_MODES.keys() - set(PRESERVING):
        assert plan_growth(params(net), params(without), mode).dropped == ["output/b"]


# Laws

LABELS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)


@st.composite
def splits(draw, labels=LABELS):
    return tuple(Part(label, draw(st.integers(1, 4))) for label in draw(labels))


def spec_of(*axes: tuple[Part, ...]) -> dict[str, ParamSpec]:
    shape = tuple(sum(part.size for part in axis) for axis in axes)
    return {"l/W": ParamSpec("l", "W", "l/W", shape, splits=axes)}


def blocks(value: np.ndarray, spec: ParamSpec) -> dict[tuple[str, ...], np.ndarray]:
    """:return: labels of the parts → that block of the array"""
    slices = []
    for parts in spec.splits:
        ends = itertools.accumulate(part.size for part in parts)
        slices.append([(part.label, slice(end - part.size, end)) for part, end in zip(parts, ends, strict=True)])
    return {tuple(s[0] for s in entry): value[tuple(s[1] for s in entry)] for entry in itertools.product(*slices)}


@given(splits(), splits(), splits(), splits())
def test_law_each_block_starts_with_the_old_block_of_its_labels_and_the_rest_is_fresh(rows, columns, rows2, columns2):
    old_specs, new_specs = spec_of(rows, columns), spec_of(rows2, columns2)
    old = values_of(old_specs)
    new, _ = grow(old, old_specs, new_specs, fresh, BY_SOURCE)
    before = blocks(old["l/W"], old_specs["l/W"])
    for labels, block in blocks(new["l/W"], new_specs["l/W"]).items():
        expected = np.full(block.shape, -1.0)
        if labels in before:
            n, m = map(min, block.shape, before[labels].shape)
            expected[:n, :m] = before[labels][:n, :m]
        assert (block == expected).all()


@given(splits(), splits(), st.randoms())
def test_law_reordering_and_back_is_the_identity(rows, columns, random):
    shuffled = [tuple(random.sample(axis, len(axis))) for axis in (rows, columns)]
    one, two = spec_of(rows, columns), spec_of(*shuffled)
    old = values_of(one)
    there, _ = grow(old, one, two, fresh, BY_SOURCE)
    back, _ = grow(there, two, one, fresh, BY_SOURCE)
    assert (back["l/W"] == old["l/W"]).all()
    assert there["l/W"].min() > 0


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))
def test_law_growing_and_shrinking_back_keeps_all_common_values(layers, width, more_layers, more_width):
    def net(depth, n):
        layers = {f"l{i}": lstm(["data"] if i == 0 else ["data", f"l{i - 1}"], n) for i in range(depth)}
        return layers | {"output": {"class": "softmax", "from": list(layers), "loss": "ctc"}}

    small, large = params(net(layers, width)), params(net(layers + more_layers, width + more_width))
    old = values_of(small)
    new, _ = grow(old, small, large, fresh, BY_SOURCE)
    back, report = grow(new, large, small, fresh, BY_SOURCE)
    assert not report.initialised
    for path, value in old.items():
        assert (back[path] == value).all()


# A renamed layer


def chain(*names: str, width: int = 2) -> dict:
    sources = ["data", *names]
    net = {name: lstm([source], width) for name, source in zip(names, sources, strict=False)}
    return net | {"output": {"class": "softmax", "from": sources[-1], "loss": "ctc"}}


@pytest.mark.parametrize("mode", ["ifpossible", "subset", BY_SOURCE, "stack"])
def test_a_renamed_layer_keeps_its_parameters(mode):
    old, new, report = grown(chain("a", "b"), chain("a", "c", "b"), mode, init_from={"c": "b"})
    for name in ("rec/W", "rec/W_re", "rec/b"):
        assert (new[f"c/{name}"] == old[f"b/{name}"]).all()
        assert report.taken_from[f"c/{name}"] == "b"
    assert report.dropped == []
    assert ", 3 of them from another layer," in str(report)


def test_rows_of_a_renamed_source_are_the_old_ones():
    old, new, report = grown(chain("a", "b"), chain("a", "c"), init_from={"c": "b"})
    assert (new["output/W"] == old["output/W"]).all()
    assert report.dropped == report.initialised == []
    assert sorted(report.taken_from) == ["c/rec/W", "c/rec/W_re", "c/rec/b"]


def test_layers_may_exchange_their_names():
    old, new, _ = grown(two_sources("a", "b"), two_sources("a", "b"), init_from={"a": "b", "b": "a"})
    assert (new["a/rec/W"] == old["b/rec/W"]).all()
    assert (new["output/W"][:4] == old["output/W"][[2, 3, 0, 1]]).all()


def test_a_renamed_layer_may_grow_too():
    old, new, report = grown(chain("a"), chain("c", width=3), init_from={"c": "a"})
    assert (new["c/rec/b"].reshape(4, 3)[:, :2].ravel() == old["a/rec/b"]).all()
    assert report.grown["c/rec/b"] == ((8,), (12,))
    assert report.to_json()["taken_from"]["c/rec/b"] == "a"
    assert report.to_json()["mode"] == BY_SOURCE


@pytest.mark.parametrize(
    ("init_from", "message"),
    [
        ({"lstm_a": "b"}, "'lstm_a' to 'b', but the new network has no layer 'lstm_a' with parameters"),
        ({"a": "outptu"}, "the old network has no layer 'outptu' with parameters; did you mean 'output'?"),
        (["a"], "'init_from' must be a dict of new layer → old layer, found ['a']"),
    ],
)
def test_an_unknown_layer_in_init_from_is_named(init_from, message):
    specs = params(chain("a", "b"))
    with pytest.raises(ConfigError) as caught:
        plan_growth(specs, specs, BY_SOURCE, GrowthOptions(init_from))
    assert message in str(caught.value)


# Stack


def blstm(depth: int, width: int = 2) -> dict:
    net, source = {}, ["data"]
    for i in range(depth):
        net |= {f"lstm{i}_{name}": lstm(source, width) for name in ("fw", "bw")}
        source = [f"lstm{i}_fw", f"lstm{i}_bw"]
    return net | {"output": {"class": "softmax", "from": source, "loss": "ctc"}}


def test_a_stacked_layer_is_a_copy_of_the_trained_one_of_its_shape():
    old, new, report = grown(blstm(3), blstm(6), "stack")
    # the first layer reads the data, so that none above can be a copy of it: the next one is
    copies = {3: 1, 4: 1, 5: 2}
    for layer, trained in copies.items():
        for direction in ("fw", "bw"):
            for name in ("rec/W", "rec/W_re", "rec/b"):
                path = f"lstm{layer}_{direction}/{name}"
                assert (new[path] == old[f"lstm{trained}_{direction}/{name}"]).all()
                assert report.taken_from[path] == f"lstm{trained}_{direction}"
    # the output layer reads copies of what it read before
    assert (new["output/W"] == old["output/W"]).all()
    assert report.initialised == report.dropped == []


def test_a_layer_without_a_trained_one_of_its_shape_is_initialised():
    _, _, report = grown(blstm(1), blstm(2), "stack")
    assert {path for path in report.initialised if "rec" in path} == {
        f"lstm1_{direction}/rec/{name}" for direction in ("fw", "bw") for name in ("W", "W_re", "b")
    }


def test_init_from_overrides_stacking():
    _, _, report = grown(blstm(3), blstm(4), "stack", init_from={"lstm3_fw": "lstm2_fw", "lstm3_bw": "lstm2_fw"})
    assert {report.taken_from[f"lstm3_{direction}/rec/W"] for direction in ("fw", "bw")} == {"lstm2_fw"}


# Names


def test_an_unknown_mode_is_an_error_with_the_nearest_name():
    for wrong, right in (("net2wide", "net2wider"), ("stak", "stack"), ("subset_by_sources", BY_SOURCE)):
        with pytest.raises(ConfigError, match=f"x: unknown copy_param_mode '{wrong}'; did you mean '{right}'"):
            check_mode(wrong, "x")


def test_every_mode_has_a_description_of_one_line():
    assert all(meaning and "\n" not in meaning for meaning in COPY_PARAM_MODES.values())


def test_the_report_without_old_parameters():
    specs = params(chain("a"))
    for mode in COPY_PARAM_MODES:
        assert plan_growth({}, specs, mode) == GrowthReport(initialised=list(specs))
