"""Messages for unknown layer classes, options, layers and streams, with the nearest right name."""

import pytest

STREAMS = "'data', 'align', 'classes', 'ints', 'letters', 'number', 'speaker', 'topic', 'unknown'"
NAMES = (
    "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…'"
)
LINEAR = {"class": "linear", "n_out": 3}
# layer class, options, message after the name of the layer
BAD_LAYERS = [
    ("linear", {"n_out": 3, "dropuot": 0.1}, "unknown option 'dropuot'; did you mean 'dropout'?"),
    ("linear", {"n_out": 3, "sources": "data"}, "unknown option 'sources'; did you mean 'from'?"),
    ("linear", {3: 4}, "unknown option 3"),
    ("linear", {"units": 3}, "unknown option 'units'; did you mean 'n_out'?"),
    ("linear", {"n_out": 3, "use_bias": False}, "unknown option 'use_bias'; did you mean 'with_bias'?"),
    ("linear", {"n_out": 3, "kernel_size": 3}, "unknown option 'kernel_size'"),
    ("linear", {"n_out": 3, "reuse_params": "outptu"}, "'reuse_params' names 'outptu', which is no layer; did you mean 'output'?"),
    ("activation", {"activation": "safe_log", "opts": {"epsilon": 1e-9}}, "'opts': unknown option 'epsilon', expected 'eps'"),
    ("activation", {"activation": "safe_log", "opts": {"eps": 0}}, "'opts': 'eps' must be a number above 0, found 0"),
    ("activation", {"activation": "leaky_relu", "opts": {"alpha": "0.1"}}, "'opts': 'alpha' must be a number, found '0.1'"),
    ("activation", {"activation": "gelu", "opts": {"approximate": 1}}, "'opts': 'approximate' must be True or False, found 1"),
    ("activation", {"activation": "tanh", "opts": {"eps": 1}}, "'opts': unknown option 'eps', but activation 'tanh' has no options"),
    ("linear", {"n_out": 3, "unit": "lstm"}, "unknown option 'unit'"),
    ("linear", {"n_out": 3, "from": "dta"}, "'from' names 'dta', which is no layer; did you mean 'data'?"),
    (
        "linear", {"n_out": 3, "from": ["data", "outptu"]},
        "'from' names 'outptu', which is no layer; did you mean 'output'?",
    ),
    (
        "linear", {"n_out": 3, "from": "data:lettrs"},
        f"'from' names 'data:lettrs', but extern_data has only {STREAMS}; did you mean 'letters'?",
    ),
    ("linear", {"n_out": 3, "from": "data:"}, f"'from' names 'data:', but extern_data has only {STREAMS}"),
    ("linear", {"n_out": 3, "from": "nothing"}, "'from' names 'nothing', which is no layer"),
    ("linear", {"n_out": 3, "from": None}, "option 'from' must be a string or a list of strings, found None"),
    ("linear", {"n_out": 3, "from": 3}, "option 'from' must be a string or a list of strings, found 3"),
    ("linear", {"n_out": 3, "from": []}, "needs a source in 'from'"),
    ("linear", {"n_out": 3, "from": [None]}, "option 'from' must be a string or a list of strings, found [None]"),
    (
        "linear", {"n_out": 3, "from": [["data"]]},
        "option 'from' must be a string or a list of strings, found [['data']]",
    ),
    ("linear", {"n_out": 3, "from": {"a": 1}}, "option 'from' must be a string or a list of strings, found {'a': 1}"),
    ("linear", {}, "'n_out' is missing, and there is no target to take it from"),
    ("repeat", {}, "option 'repetitions' is missing"),
    ("activation", {}, "option 'activation' is missing"),
    ("combine", {}, "option 'kind' is missing"),
    ("eval", {}, "option 'eval' is missing"),
    ("rec", {}, "'n_out' is missing, and there is no target to take it from"),
]  # fmt: skip
# net dict, message
BAD_NETWORKS = [
    ({"output": {"class": "liner"}}, "layer 'output': unknown layer class 'liner'; did you mean 'linear'?"),
    ({"output": {"class": ["linear"]}}, "layer 'output': 'class' must be a string, found ['linear']"),
    ({"output": {"class": None}}, "layer 'output': 'class' must be a string, found None"),
    ({"output": {"n_out": 3}}, "layer 'output': expected a dict with a 'class', found {'n_out': 3}"),
    ({"output": None}, "layer 'output': expected a dict with a 'class', found None"),
    ({"output": 3}, "layer 'output': expected a dict with a 'class', found 3"),
    ({}, "the network has no layer 'output', none with a loss and none with 'is_output_layer', found no layer at all"),
    (
        {"x": {"class": "linear", "n_out": 3}},
        "the network has no layer 'output', none with a loss and none with 'is_output_layer', found 'x'",
    ),
    (None, "expected a net dict, found NoneType: None"),
    ([], "expected a net dict, found list: []"),
    (
        {"lstm0": LINEAR, "output": LINEAR | {"from": "lstm"}},
        "layer 'output' (linear): 'from' names 'lstm', which is no layer; did you mean 'lstm0'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "output"}},
        "layers depend on each other in a loop: output → output",
    ),
    (
        {"a": LINEAR | {"from": "b"},
         "b": LINEAR | {"from": "c"},
         "c": LINEAR | {"from": ["data", "a"]},
         "output": LINEAR | {"from": "a"}},
        "layers depend on each other in a loop: a → b → c → a",
    ),
    ({3: LINEAR, "output": LINEAR}, f"{NAMES}, found 3"),
    ({"a/b": LINEAR, "output": LINEAR}, f"{NAMES}, found 'a/b'"),
    ({"": LINEAR, "output": LINEAR}, f"{NAMES}, found ''"),
    ({"data": LINEAR, "output": LINEAR}, f"{NAMES}, found 'data'"),
    ({"data:x": LINEAR, "output": LINEAR}, f"{NAMES}, found 'data:x'"),
    (
        {"a b": LINEAR, "a:b": LINEAR, "output": LINEAR | {"from": ["a b", "a:b"]}},
        "layer 'a:b' (linear): its parameters would have the same paths as those of layer 'a b', a__b/…; rename it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "options", "message"), BAD_LAYERS)
def test_message_of_a_layer(class_name, options, message, check_message):
    check_message({"output": {"class": class_name, **options}}, f"layer 'output' ({class_name}): {message}")


@pytest.mark.parametrize(("network", "message"), BAD_NETWORKS)
def test_message_of_a_network(network, message, check_message):
    check_message(network, message)
