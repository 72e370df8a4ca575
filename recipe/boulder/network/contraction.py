"""Products of two tensors, summed over some of their common axes, for `dot` and `generic_attention`.

y[kept axes of a and b] = Σ over the reduced axes of a[…] · b[…]
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.axes import FEATURE, SPATIAL, Axis, Spatial
from boulder.network.layer_run import LayerRun
from boulder.network.precision import product
from boulder.network.roles import as_feature, unused
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class Contraction:
    """
    :param same: axis of b → axis of a that it is identified with
    :param reduced: axes of a, also in `same`, to sum over
    :param kept: ("a" or "b", axis), in the order of the result
    :param with_one: whether to append an axis of size 1
    """

    same: Mapping[Axis, Axis]
    reduced: tuple[Axis, ...]
    kept: tuple[tuple[str, Axis], ...]
    with_one: bool = False

    @property
    def axes(self) -> tuple[Axis, ...]:
        """:return: axes of the result

        :raises NetworkError: if a dynamic axis would occur twice
        """
        return distinct([*(axis for _, axis in self.kept), *([Spatial(1)] if self.with_one else [])])

    def compute(self, run: LayerRun, a: Tensor, b: Tensor, template: Template) -> Tensor:
        """
        :param template: template of the result, with the axes `axes`
        :return: the sums, without padding
        """
        partner = {axis: other for other, axis in self.same.items()}
        for axis in self.reduced:
            if axis.has_lengths:
                if set(run.length_axes(axis)) <= set(a.axes):
                    a = _masked(run, a, axis)
                else:
                    b = _masked(run, b, partner[axis])
        letters = iter(string.ascii_letters)
        names = {("a", axis): next(letters) for axis in a.axes}
        names |= {("b", axis): names["a", self.same[axis]] if axis in self.same else next(letters) for axis in b.axes}
        operands = ["".join(names[side, axis] for axis in x.axes) for side, x in (("a", a), ("b", b))]
        result = "".join(names[entry] for entry in self.kept)
        value = product(partial(tf.einsum, f"{','.join(operands)}->{result}"), a.value, b.value)
        return a.made(value[..., None] if self.with_one else value, self.axes, template)


def _masked(run: LayerRun, x: Tensor, axis: Axis) -> Tensor:
    return x.made(tf.where(run.mask_over(x.axes, axis), x.value, 0), x.axes, x.template)


def matched(a: Sequence[Axis], b: Sequence[Axis]) -> dict[Axis, Axis]:
    """
    :return: axis of b → axis of a, for equal axes; otherwise for the first static axes of equal size, unless both have names
    """
    own = {axis.identity: axis for axis in a}
    result = {axis: own[axis.identity] for axis in b if axis.identity in own}
    for axis in a:
        if axis.kind in (FEATURE, SPATIAL) and axis not in result.values():
            others = (o for o in b if o.kind in (FEATURE, SPATIAL) and not (o.dim and axis.dim) and o not in result)
            found = next((o for o in others if o.size == axis.size), None)
            if found:
                result[found] = axis
    return result


def distinct(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """
    :return: `axes` as axes of one tensor: static axes of equal size are distinguished, and the last static axis is the
        feature axis, as in RETURNN
    :raises NetworkError: if a dynamic axis occurs twice
    """
    features = max((i for i, axis in enumerate(axes) if axis.kind in (FEATURE, SPATIAL)), default=None)
    result: list[Axis] = []
    for i, axis in enumerate(axes):
        if i == features:
            axis = as_feature(axis)
        elif axis.kind in (FEATURE, SPATIAL):
            if axis.kind == FEATURE or axis in result:
                axis = unused(axis.size, result, axis.dim)
        elif axis in result:
            raise NetworkError(f"the result would have the axis {axis} twice")
        result.append(axis)
    return tuple(result)
