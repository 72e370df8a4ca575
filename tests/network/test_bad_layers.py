"""Messages for unknown layer classes, options, layers and streams, with the nearest right name."""

import pytest

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
        {"output": {"class": "linear", "n_out": 3, "dropuot": 0.1}},
        "layer 'output' (linear): unknown option 'dropuot'; did you mean 'dropout'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "sources": "data"}},
        "layer 'output' (linear): unknown option 'sources'; did you mean 'from'?",
    ),
    ({"output": {"class": "linear", 3: 4}}, "layer 'output' (linear): unknown option 3"),
    (
        {"output": {"class": "linear", "n_out": 3, "unit": "lstm"}},
        "layer 'output' (linear): unknown option 'unit'; did you mean 'bias_init'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "dta"}},
        "layer 'output' (linear): 'from' names 'dta', which is no layer; did you mean 'data'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": ["data", "outptu"]}},
        "layer 'output' (linear): 'from' names 'outptu', which is no layer; did you mean 'output'?",
    ),
    (
        {"lstm0": {"class": "linear", "n_out": 3}, "output": {"class": "linear", "n_out": 3, "from": "lstm"}},
        "layer 'output' (linear): 'from' names 'lstm', which is no layer; did you mean 'lstm0'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "data:lettrs"}},
        "layer 'output' (linear): 'from' names 'data:lettrs', but extern_data has only 'data', 'align', 'classes', 'ints', 'letters', 'number', 'speaker', 'topic', 'unknown'; did you mean 'letters'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "data:"}},
        "layer 'output' (linear): 'from' names 'data:', but extern_data has only 'data', 'align', 'classes', 'ints', 'letters', 'number', 'speaker', 'topic', 'unknown'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "nothing"}},
        "layer 'output' (linear): 'from' names 'nothing', which is no layer",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": None}},
        "layer 'output' (linear): option 'from' must be a string or a list of strings, found None",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": 3}},
        "layer 'output' (linear): option 'from' must be a string or a list of strings, found 3",
    ),
    ({"output": {"class": "linear", "n_out": 3, "from": []}}, "layer 'output' (linear): needs a source in 'from'"),
    (
        {"output": {"class": "linear", "n_out": 3, "from": [None]}},
        "layer 'output' (linear): option 'from' must be a string or a list of strings, found [None]",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": [["data"]]}},
        "layer 'output' (linear): option 'from' must be a string or a list of strings, found [['data']]",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": {"a": 1}}},
        "layer 'output' (linear): option 'from' must be a string or a list of strings, found {'a': 1}",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "output"}},
        "layers depend on each other in a loop: output → output",
    ),
    (
        {
            "a": {"class": "linear", "n_out": 3, "from": "b"},
            "b": {"class": "linear", "n_out": 3, "from": "c"},
            "c": {"class": "linear", "n_out": 3, "from": ["data", "a"]},
            "output": {"class": "linear", "n_out": 3, "from": "a"},
        },
        "layers depend on each other in a loop: a → b → c → a",
    ),
    (
        {3: {"class": "linear", "n_out": 3}, "output": {"class": "linear", "n_out": 3}},
        "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…', found 3",
    ),
    (
        {"a/b": {"class": "linear", "n_out": 3}, "output": {"class": "linear", "n_out": 3}},
        "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…', found 'a/b'",
    ),
    (
        {"": {"class": "linear", "n_out": 3}, "output": {"class": "linear", "n_out": 3}},
        "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…', found ''",
    ),
    (
        {"data": {"class": "linear", "n_out": 3}, "output": {"class": "linear", "n_out": 3}},
        "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…', found 'data'",
    ),
    (
        {"data:x": {"class": "linear", "n_out": 3}, "output": {"class": "linear", "n_out": 3}},
        "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…', found 'data:x'",
    ),
    (
        {
            "a b": {"class": "linear", "n_out": 3},
            "a:b": {"class": "linear", "n_out": 3},
            "output": {"class": "linear", "n_out": 3, "from": ["a b", "a:b"]},
        },
        "layer 'a:b' (linear): its parameters would have the same paths as those of layer 'a b', a__b/…; rename it",
    ),
    (
        {"output": {"class": "linear"}},
        "layer 'output' (linear): 'n_out' is missing, and there is no target to take it from",
    ),
    ({"output": {"class": "repeat"}}, "layer 'output' (repeat): option 'repetitions' is missing"),
    ({"output": {"class": "activation"}}, "layer 'output' (activation): option 'activation' is missing"),
    ({"output": {"class": "combine"}}, "layer 'output' (combine): option 'kind' is missing"),
    ({"output": {"class": "eval"}}, "layer 'output' (eval): option 'eval' is missing"),
    ({"output": {"class": "rec"}}, "layer 'output' (rec): 'n_out' is missing, and there is no target to take it from"),
]


@pytest.mark.parametrize(("network", "message"), BAD_NETWORKS)
def test_message(network, message, check_message):
    check_message(network, message)
