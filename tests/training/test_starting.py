"""Parameters taken from checkpoint files: matching by name, RETURNN's options, other layouts, and errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import CheckpointError, ConfigError
from boulder.network import describe
from boulder.training.starting import ParameterFile, Source, starting_checkpoint, take_parameters

EXTERN_DATA = {"data": {"dim": 6}, "classes": {"dim": 3, "sparse": True}}


def network(width: int = 4, unit: str = "nativelstm2", **hidden) -> dict:
    return {
        "hidden": {"class": "linear", "from": "data", "n_out": width, "activation": "tanh", **hidden},
        "lstm": {"class": "rec", "unit": unit, "from": "hidden", "n_out": 2},
        "output": {"class": "softmax", "from": "lstm", "loss": "ce", "target": "classes"},
    }


def file_of(arrays: dict, step: int | None = 5) -> ParameterFile:
    return ParameterFile("net.080", {name: a.shape for name, a in arrays.items()}, arrays.__getitem__, step, 80)


def values_of(net: dict, seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    return {path: rng.normal(size=p.shape).astype("float32") for path, p in describe(net, EXTERN_DATA).params.items()}


def take(net: dict, *sources: tuple[dict, dict]):
    """:param sources: options of the source, arrays in its file"""
    read = [(Source.of({"checkpoint": "net.080", **options}, "start_from"), file_of(a)) for options, a in sources]
    return take_parameters(read, describe(net, EXTERN_DATA), lambda spec: np.full(spec.shape, 7, spec.dtype))


def same(taken: dict, expected: dict) -> bool:
    return set(taken) == set(expected) and all((taken[path] == expected[path]).all() for path in expected)


def test_all_parameters_are_taken_by_name():
    values = values_of(network())
    taken = take(network(), ({}, values | {"global_step": np.int64(3), "dropped/W": np.zeros(2)}))
    assert same(taken.values, values)
    assert taken.initialised == []
    assert taken.notes == ["net.080: 1 further array is not used: dropped/W"]
    assert "output/W ← net.080: output/W" in taken.lines()


def test_the_step_is_continued_only_if_asked():
    values = values_of(network())
    assert take(network(), ({}, values)).step == 0
    assert take(network(), ({"keep_step": True}, values)).step == 5


def test_the_first_source_with_a_parameter_gives_it():
    first, second = values_of(network(), 1), values_of(network(), 2)
    part = {path: value for path, value in first.items() if path.startswith("lstm/")}
    taken = take(network(), ({"ignore_missing": True}, part), ({}, second))
    assert same(taken.values, second | part)


def test_names_lack_the_prefix_wherever_it_is_in_the_path():
    values = values_of(network())
    arrays = {path.removeprefix("lstm/"): value for path, value in values.items() if path.startswith("lstm/")}
    taken = take(network(), ({"prefix": "lstm/"}, arrays))
    assert set(taken.values) == {"lstm/rec/W", "lstm/rec/W_re", "lstm/rec/b"}
    assert taken.initialised == ["hidden/W", "hidden/b", "output/W", "output/b"]


def test_ignored_names_keep_their_initial_values():
    options = {"ignore_params": ["output/b"], "ignore_params_prefixes": ["lstm/", "hidden/W"]}
    taken = take(network(), (options, values_of(network())))
    assert set(taken.values) == {"hidden/b", "output/W"}


def test_a_name_is_mapped_only_if_the_file_lacks_it():
    values = values_of(network())
    renamed = {("old/" + path if path.startswith("output/") else path): value for path, value in values.items()}
    mapping = {"output/W": "old/output/W", "output/b": "old/output/b", "hidden/W": "hidden/b"}
    assert same(take(network(), ({"var_name_mapping": mapping}, renamed)).values, values)


def test_what_the_file_lacks_is_named():
    arrays = values_of(network())
    del arrays["output/b"], arrays["hidden/W"]
    with pytest.raises(
        CheckpointError, match=r"^checkpoint net\.080: has no 'hidden/W', 'output/b'; expected all"
    ) as e:
        take(network(), ({}, arrays))
    assert "ignore_missing" in str(e.value)
    taken = take(network(), ({"ignore_missing": True}, arrays))
    assert taken.initialised == ["hidden/W", "output/b"]
    assert taken.lines()[-1] == "5 parameters taken, 2 initialised: hidden/W, output/b"


def test_each_parameter_of_another_shape_is_named_with_both_shapes():
    message = (
        r"'hidden/W' has the shape \(6, 5\) in the network and \(6, 4\) in the file; 'hidden/b' has .* \(5,\) .* \(4,\) .*; "
        r"'lstm/rec/W' has .* \(5, 8\) .* \(4, 8\) in the file$"
    )
    for ignore_missing in (False, True):
        with pytest.raises(CheckpointError, match=message):
            take(network(5), ({"ignore_missing": ignore_missing}, values_of(network(4))))


@pytest.mark.parametrize(
    ("options", "arrays", "error", "message"),
    [
        ({"prefix": "lsm/"}, {}, ConfigError, "prefix 'lsm/' leaves none of the network's parameters; did you mean 'lstm/'"),
        ({"ignore_params_prefixes": [""]}, {}, ConfigError, "'ignore_params' leaves none"),
        ({"ignore_missing": True}, {"encoder/hidden/W": 1}, CheckpointError, "holds none of the 7 parameters .*'encoder/hid"),
        ({"var_name_mapping": {"output/b": "out/b"}}, {"out/bias": 1}, CheckpointError, "maps 'output/b' to 'out/b', .*'out/bias'"),
    ],
)  # fmt: skip
def test_a_source_that_gives_nothing_is_an_error(options, arrays, error, message):
    arrays = {name: np.zeros(3) for name in arrays}
    if "var_name_mapping" in options:
        arrays = {path: value for path, value in values_of(network()).items() if path != "output/b"} | arrays
    with pytest.raises(error, match=message):
        take(network(), (options, arrays))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefx": "a"}, "start_from: there is no option 'prefx', only .*; did you mean 'prefix'"),
        ({"prefix": 3}, "start_from: 'prefix': found 3, expected a text"),
        ({"ignore_missing": 1}, "'ignore_missing': found 1, expected True or False"),
        ({"ignore_params": "a"}, "'ignore_params': found 'a', expected a list of names"),
        ({"ignore_params_prefixes": [1]}, r"'ignore_params_prefixes': found \[1\], expected a list of names"),
        ({"var_name_mapping": ["a"]}, r"'var_name_mapping': found \['a'\], expected a dict of name → name"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        Source.of({"checkpoint": "a", **options}, "start_from")


def test_a_source_needs_a_checkpoint():
    with pytest.raises(ConfigError, match="needs the option 'checkpoint'"):
        Source.of({}, "start_from")


# Layouts

CELLS = {"StandardLSTM": "lstm_cell", "BasicLSTM": "basic_lstm_cell"}


@pytest.mark.parametrize("unit", CELLS)
def test_native_lstm_and_cells_convert_back_and_forth(unit):
    native = values_of(network())
    cell = take(network(unit=unit), ({}, native))
    assert {f"lstm/rec/{CELLS[unit]}/kernel", f"lstm/rec/{CELLS[unit]}/bias"} <= set(cell.values)
    assert any("'forget_bias' of 1" in note for note in cell.notes)
    if unit == "StandardLSTM":  # RETURNN converts only this one into NativeLstm2
        assert same(take(network(), ({}, cell.values)).values, native)


@pytest.mark.parametrize(
    "older", [("lstm_cell/kernel", "lstm_cell/weights"), ("rec/lstm_cell", "rec/rnn/lstm_cell"), ("_cell/bias", "_cell/biases")]
)  # fmt: skip
def test_older_names_of_cells_are_known(older):
    values = values_of(network(unit="StandardLSTM"))
    taken = take(network(unit="StandardLSTM"), ({}, {name.replace(*older): value for name, value in values.items()}))
    assert same(taken.values, values)


def test_arrays_of_another_form_are_named():
    arrays = {path: value for path, value in values_of(network()).items() if not path.startswith("lstm/")}
    arrays |= {"lstm/rec/W": np.zeros((4, 8)), "lstm/rec/W_re": np.zeros((2, 6)), "lstm/rec/b": np.zeros(8)}
    with pytest.raises(
        CheckpointError, match=r"'lstm/rec/lstm_cell/kernel' .* \(6, 8\) .* and \(4, 8\) and \(2, 6\) in"
    ):
        take(network(unit="StandardLSTM"), ({}, arrays))


# Importers


@pytest.mark.parametrize(("importer", "rows"), [("subset", 4), ("reset", 0), ("ifpossible", 0)])
def test_an_importer_takes_its_layers_parameters_if_asked(importer, rows):
    net = network(5, custom_param_importer=importer)
    arrays = values_of(network(4))
    arrays = {path: value for path, value in arrays.items() if path.startswith("hidden/")}
    options = {"use_importers": True, "ignore_params_prefixes": ["lstm/", "output/"]}
    taken = take(net, (options, arrays))
    expected = np.full((6, 5), 7, "float32")
    expected[:, :rows] = arrays["hidden/W"][:, :rows]
    np.testing.assert_array_equal(taken.values["hidden/W"], expected)
    with pytest.raises(CheckpointError, match="'hidden/W' has the shape"):
        take(net, ({**options, "use_importers": False}, arrays))


# Checkpoints


@given(known=st.sets(st.sampled_from(sorted(values_of(network())))).filter(bool), seed=st.integers(1, 100))
def test_parameters_that_are_not_taken_have_the_initial_values_of_a_fresh_training(known, seed):
    values, net = values_of(network()), network()
    source = Source(checkpoint="net.080", ignore_missing=True)
    options = {"epoch": 0, "phase_start": 1, "index": 0, "random_seed": seed}
    spec = describe(net, EXTERN_DATA)
    file = file_of({path: values[path] for path in known})
    checkpoint, _ = starting_checkpoint([(source, file)], net, spec, **options)
    fresh, _ = starting_checkpoint([], net, spec, **options)
    assert same(checkpoint.params, {path: values[path] if path in known else fresh.params[path] for path in values})
