"""The `config` object: the values of RETURNN 1.20261022.211313, and messages where RETURNN asserts."""

import pickle

import pytest

from boulder.errors import ConfigError
from boulder.returnn.config_object import Config

TYPED = {"i": 3, "f": 0.5, "t": True, "s": "abc", "inf": "inf", "n": None, "li": [1, 2], "lf": (0.5, 1), "d": {"a": 1}}
UNTYPED = {"ui": "3", "uf": "0.5", "ut": "yes", "uz": "0", "us": "abc", "ul": "1,2,3", "up": "4:5"}


@pytest.fixture
def config() -> Config:
    config = Config(dict(TYPED))
    for key, value in UNTYPED.items():
        config.add_line(key, value)
    return config


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("has('i')", True),
        ("has('ui')", True),
        ("has('x')", False),
        ("is_typed('ui')", False),
        ("is_true('ut')", True),
        ("is_true('li')", True),
        ("is_of_type('i', int)", True),
        ("get_of_type('i', str, 'no')", "no"),
        ("value('i', 'x')", "3"),
        ("value('n', 'x')", "x"),
        ("value('li', 'x')", "1,2"),
        ("value('li', 'x', list_join_str=':')", "1:2"),
        ("value('li', 'x', 1)", "2"),
        ("value('ul', 'x')", "1,2,3"),
        ("value('x', 'default')", "default"),
        ("typed_value('ui')", None),
        ("typed_value('li', index=1)", 2),
        ("typed_value('d')", {"a": 1}),
        ("opt_typed_value('ui')", "3"),
        ("int('i', 0)", 3),
        ("int('n', 7)", None),
        ("int('ui', 0)", 3),
        ("int('ul', 0, 2)", 3),
        ("int('x', None)", None),
        ("float('i', 0)", 3),
        ("float('inf', 0)", float("inf")),
        ("float('uf', 0)", 0.5),
        ("float('x', 2)", 2),
        ("bool('i', None)", True),
        ("bool('ut', None)", True),
        ("bool('uz', None)", False),
        ("bool('x', None)", None),
        ("bool_or_other('s')", "abc"),
        ("bool_or_other('us')", "abc"),
        ("bool_or_other('ut')", True),
        ("bool_or_other('d')", {"a": 1}),
        ("list('i')", [3]),
        ("list('lf')", [0.5, 1]),
        ("list('ul')", ["1", "2", "3"]),
        ("list('x')", []),
        ("list('n', [1])", [1]),
        ("int_list('ul')", [1, 2, 3]),
        ("int_list('li')", [1, 2]),
        ("float_list('lf')", [0.5, 1]),
        ("float_list('ul')", [1.0, 2.0, 3.0]),
        ("int_pair('up')", (4, 5)),
        ("int_pair('ui')", (3, 3)),
        ("int_pair('i')", (3, 3)),
        ("int_pair('x', (1, 2))", (1, 2)),
    ],
)
def test_reading(config, call, expected):
    result = eval(f"config.{call}", {"config": config})
    assert result == expected
    assert type(result) is type(expected)


def test_a_line_for_a_typed_option_is_python_unless_its_value_is_text(config):
    for key, value in (("i", "[1]"), ("s", "[1]"), ("f", "a b"), ("n", "1,2"), ("ui", "4")):
        config.add_line(key, value)
    assert [config.opt_typed_value(key) for key in ("i", "s", "f", "n", "ui")] == [[1], "[1]", "a b", (1, 2), "4"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("int('f', 0)", "config option 'f': found 0.5, expected an int"),
        ("int('us', 0)", "config option 'us': found 'abc', expected an int"),
        ("float('s', 0)", "config option 's': found 'abc', expected a number"),
        ("bool('s', 0)", "config option 's': found 'abc', expected True or False"),
        ("bool('us', 0)", "config option 'us': found 'abc', expected true or false"),
        ("int_list('lf')", "config option 'lf': found 0.5, expected ints"),
        ("int_pair('lf')", "config option 'lf': found (0.5, 1), expected two ints"),
        ("typed_value('i', index=1)", "config option 'i': found 3, expected a list with an entry 1"),
    ],
)
def test_wrong_types(config, call, message):
    with pytest.raises(ConfigError) as error:
        eval(f"config.{call}", {"config": config})
    assert str(error.value) == message


def test_only_plain_options_are_pickled(config):
    config.set("config", config)
    config.set("function", lambda: 0)
    config.set("nested", {"f": lambda: 0})
    travelled = pickle.loads(pickle.dumps(config))
    assert travelled.typed_dict == TYPED
    assert travelled.dict == config.dict
