"""Each option that RETURNN reads has a verdict."""

import ast

import pytest

from boulder.data.dataset import dataset_classes
from boulder.returnn.data_options import _ROWS, data_verdict
from boulder.returnn.options import BEYOND_RETURNN, NOT_OF_RETURNN, options_with_verdict
from boulder.returnn.overrides import known_options
from tests.parity.returnn_options import (
    LEFT_OUT,
    data_set_options_of_returnn,
    options_read_by_returnn,
    options_read_in,
    returnn_folder,
)

pytestmark = pytest.mark.parity


def test_each_option_that_returnn_reads_has_a_verdict():
    read = options_read_by_returnn()
    assert len(read) > 200
    assert {option: places for option, places in read.items() if option not in options_with_verdict()} == {}


def test_returnn_reads_each_option_that_has_a_row():
    known = {*options_read_by_returnn(), *known_options(), *NOT_OF_RETURNN}
    assert options_with_verdict() - known == set()


def test_options_that_go_beyond_returnn_are_named():
    beyond = {*known_options()} - {*options_read_by_returnn()}
    assert beyond == {*BEYOND_RETURNN} | (beyond & NOT_OF_RETURNN)


def test_modules_that_are_left_out_exist():
    assert [name for name in LEFT_OUT if not (returnn_folder() / name).exists()] == []


def test_every_way_to_read_an_option_is_found():
    ways = (
        'config.int("a", 1)\nself.network.get_config().typed_value("b")\nself.engine.config.has("c")\n'
        'get_global_config().is_of_type("d", dict)\nself.config.typed_dict["e"]\nconfig.typed_dict.get("f", 0)\n'
        'if "g" in config.typed_dict: pass\nopts.get("no")\nvalues["no"]\n'
    )
    assert sorted(option for option, _ in options_read_in(ast.parse(ways))) == [*"abcdefg"]


def test_each_option_of_returnns_data_sets_has_a_verdict():
    """For the classes that both have: of the class and of those that it derives from."""
    options = data_set_options_of_returnn()
    shared = {name: cls for name, cls in dataset_classes().items() if name in options}
    assert "HDFDataset" in shared
    missing = {
        f"{name}.{option}" for name, cls in shared.items() for option in options[name] if not data_verdict(cls, option)
    }
    assert missing == set()
    read = {option for name in shared for option in options[name]}
    assert {*_ROWS} - {*read, "class"} == set()
