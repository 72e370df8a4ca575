"""An algo that makes equal callable objects anew at each call gives equal networks."""

import dataclasses
import functools
import types

import pytest

from boulder.schedule.comparing import same_value


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x

    def method(self, x):
        return self.factor + x


@dataclasses.dataclass
class Chain:
    first: object

    def __call__(self, x):
        return self.first(x)


def defined_anew(factor):
    class Own:
        def __call__(self, x):
            return factor * x

    return Own()


def value_of_a_class_defined_anew(factor):
    class Own:
        def __init__(self):
            self.factor = factor

    return Own()


@pytest.mark.parametrize(
    "make",
    [
        Scale,
        lambda factor: Scale(factor).method,
        lambda factor: Chain(lambda x: factor * x),
        lambda factor: functools.partial(Scale(factor).method, 1),
        lambda factor: {"layers": [Chain(Scale(factor))]},
        defined_anew,
        value_of_a_class_defined_anew,
        lambda factor: types.SimpleNamespace(scale=factor),
    ],
)
def test_equal_objects_made_twice(make):
    assert same_value(make(1), make(1))
    assert not same_value(make(1), make(2))


def test_an_equality_that_a_class_defines_counts():
    class Never:
        def __eq__(self, other):
            return False

        __hash__ = None

    assert not same_value(Never(), Never())


def test_other_classes_of_one_name_differ():
    assert not same_value(defined_anew(1), value_of_a_class_defined_anew(1))
