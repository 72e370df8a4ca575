"""The transfer of values from an old parameter to a new one."""

import numpy as np
import pytest

from boulder.network import ParamSpec
from boulder.training.growth.growing import grow
from boulder.training.growth.transfer import take

RANDOM = np.random.default_rng(3)


def indices(old: int, new: int) -> dict[str, np.ndarray]:
    """:return: of an axis: runs long and short, replicas, gaps"""
    replicas = RANDOM.integers(0, old, new)
    gaps = np.where(RANDOM.random(new) < 0.3, -1, replicas)
    longer = np.concatenate([np.arange(old), np.full(new, -1)])[:new]
    gates = np.concatenate([np.arange(old // 2), np.full(3, -1), np.arange(old // 2, old), np.full(new, -1)])[:new]
    return {
        "longer": longer,
        "gates": gates,
        "wider": np.concatenate([np.arange(old), replicas])[:new],
        "replicas": replicas,
        "gaps": gaps,
        "nothing": np.full(new, -1),
    }


@pytest.mark.parametrize("shared", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("rows", indices(1, 1))
@pytest.mark.parametrize("columns", indices(1, 1))
def test_each_entry_is_that_of_the_formula(rows, columns, shared):
    old, fresh = RANDOM.normal(size=(90, 70)).astype("float32"), RANDOM.normal(size=(110, 95)).astype("float32")
    index = [indices(90, 110)[rows], indices(70, 95)[columns]]
    shares = [1 / RANDOM.integers(1, 4, len(i)) if axis in shared else None for axis, i in enumerate(index)]
    expected = old[np.ix_(*index)].astype("float64")
    for axis in shared:
        expected = expected * shares[axis].reshape([-1 if i == axis else 1 for i in range(2)])
    known = (index[0] >= 0)[:, None] & (index[1] >= 0)
    expected = np.where(known, expected.astype("float32"), fresh)  # rounded once
    np.testing.assert_array_equal(take(old, fresh, index, shares), expected)


@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 0), (2, 3, 40)])
def test_an_array_of_any_shape_is_copied(shape):
    old = RANDOM.normal(size=shape).astype("float32")
    result = take(old, np.zeros(shape, "float32"), [np.arange(size) for size in shape])
    np.testing.assert_array_equal(result, old)
    assert not np.shares_memory(result, old)


@pytest.mark.parametrize(("new", "drawn"), [((3, 4), []), ((2, 3), []), ((3, 6), ["l/W"])])
def test_initial_values_are_drawn_only_where_old_ones_are_missing(new, drawn):
    specs = [ParamSpec("l", "W", "l/W", shape) for shape in ((3, 4), new)]
    asked = []

    def fresh(spec: ParamSpec) -> np.ndarray:
        asked.append(spec.path)
        return np.ones(spec.shape, "float32")

    old = {"l/W": np.zeros((3, 4), "float32")}
    values, _ = grow(old, {"l/W": specs[0]}, {"l/W": specs[1]}, fresh, "subset")
    assert asked == drawn
    assert values["l/W"].sum() == (6 if drawn else 0)
