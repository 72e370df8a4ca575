"""What many layer classes state in `Layer.widening`."""

from __future__ import annotations

import ast

from boulder.errors import NetworkError
from boulder.network.axes import FEATURE, Axis
from boulder.network.axis_names import find_axis
from boulder.network.contraction import Contraction
from boulder.network.template import Template
from boulder.network.widening.site import Tied, Widening, has_units
from boulder.network.windows import Windows

OVER_UNITS = ("softmax", "log_softmax")
"""Activations whose value for a unit depends on the number of the others."""

SCALED = (None, "identity", "none", "relu")
"""Activations with f(a·x) = a·f(x) for a > 0."""

_NAMES = """
    abs negative exp log log1p expm1 sqrt rsqrt square sin cos tanh sigmoid softplus softsign sign relu relu6 elu selu gelu swish silu
    leaky_relu maximum minimum add subtract multiply divide pow where cast clip_by_value stop_gradient identity reciprocal
    squared_difference erf round floor ceil greater less equal logical_and logical_or logical_not reciprocal_no_nan multiply_no_nan
    divide_no_nan log_sigmoid
"""
_ONE_BY_ONE = frozenset(_NAMES.split())
"""Functions of TensorFlow that treat each entry on its own."""


def passes(w: Widening) -> Tied:
    """
    The output has the axes of the input, and an entry of it depends on the same entry of the input, or on others along
    axes without units.

    :return: the input
    """
    x = w.input()
    w.tie_axes(x)
    return x


def activates(w: Widening, activation: str | None) -> None:
    """The last thing that the layer computes is an activation."""
    if activation in OVER_UNITS:
        w.keep(w.output.feature, f"has the activation {activation}, which is over all its units")


def renames(w: Widening) -> None:
    """The output is the input, whose axes have other names or roles in the same order."""
    x = w.input()
    w.tie_in_order(x)
    w.multiplied_with(w.divided()[0])


def keeps_axis(w: Widening, x: Tied, axis: Axis, why: str) -> None:
    """
    :param axis: of `x`, which may not get wider
    """
    if has_units(axis):
        w.keep(x.term(axis), why)


def along(w: Widening, axis: object) -> None:
    """
    The layer changes the input along an axis, which may not get wider; the output has the other axes.

    :param axis: option that names it
    """
    own, _ = w.divided()
    x = w.input(own)
    try:
        changed = [find_axis(x.new, axis, w.site(sources=own))]
    except NetworkError:  # the iterations of the loop around the layer
        changed = []
    for found in changed:
        keeps_axis(w, x, found, "goes along this axis")
    w.tie_axes(x, changed)
    w.multiplied_with(own)


def slides(w: Widening, x: Tied, windows: Windows) -> None:
    """Windows slide along axes of the input, which may not get wider."""
    for axis in windows.axes:
        if axis in x.new.axes:
            keeps_axis(w, x, axis, "slides along this axis")
    outer = [axis for axis in x.new.axes if axis not in windows.axes and axis.kind != FEATURE]
    for axis, made in zip(outer, w.output.terms, strict=False):
        if has_units(axis):
            w.tie(x.term(axis), made)


def contracts(w: Widening, a: Tied, b: Tied, old: Contraction | None, new: Contraction) -> None:
    """
    Products of `a` and `b`, summed over some axes.

    :param old: the contraction in the old network
    """
    if old and a.old and b.old and _positions(a.old, b.old, old) != _positions(a.new, b.new, new):
        raise w.refuse("pairs other axes of its sources than before")
    for other, axis in new.same.items():
        if has_units(axis) and has_units(other):
            w.tie(a.term(axis), b.term(other))
    for (side, axis), made in zip(new.kept, w.output.new.axes, strict=False):
        if has_units(axis):
            w.tie((a if side == "a" else b).term(axis), w.output.term(made))
    for axis in new.reduced:
        if has_units(axis):
            why = f"sums over the axis {axis.kind} of {a.key!r}"
            w.multiply((b, a), a.term(axis), 1.0, why, either=True)
    w.multiplied_with((a, b), every=False)


def _positions(a: Template, b: Template, contraction: Contraction) -> tuple:
    """:return: the axes of a contraction, by their places in the sources"""
    places = {"a": a.axes, "b": b.axes}
    same = {(b.axes.index(other), a.axes.index(axis)) for other, axis in contraction.same.items()}
    reduced = {a.axes.index(axis) for axis in contraction.reduced}
    return same, reduced, [(side, places[side].index(axis)) for side, axis in contraction.kept]


def factor_of(expression: object) -> float | None:
    """:return: a, if the expression is a · source(0); None otherwise"""
    return _factor(_parsed(expression))


def is_one_by_one(expression: object) -> bool:
    """
    :param expression: option `eval`
    :return: whether it is known to treat each entry on its own
    """
    tree = _parsed(expression)
    return tree is not None and _one_by_one(tree)


def factor_between(old: object, new: object) -> float | None:
    """
    :return: a, if `new` is a source times numbers and `old` is a · `new`; None otherwise
    """
    factors = [factor_of(text) for text in (old, new)]
    if None in factors or not factors[1]:
        return None
    return factors[0] / factors[1]  # type: ignore[operator]  # neither is None


def _parsed(expression: object) -> ast.expr | None:
    if not isinstance(expression, str):
        return None
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        return None


def _is_source(tree: ast.AST) -> bool:
    match tree:
        case ast.Call(func=ast.Name(id="source"), args=[ast.Constant(value=int())], keywords=[]):
            return True
    return False


def _one_by_one(tree: ast.expr) -> bool:
    match tree:
        case ast.Constant(value=bool() | int() | float() | str()):
            return True
        case ast.UnaryOp(operand=operand):
            return _one_by_one(operand)
        case ast.BinOp(left=left, right=right, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()):
            return _one_by_one(left) and _one_by_one(right)
        case ast.Compare(left=left, comparators=others):
            return all(map(_one_by_one, (left, *others)))
        case ast.Call(func=ast.Attribute() as function, args=args, keywords=[]):
            name = ast.unparse(function)
            return name.startswith("tf.") and name.rpartition(".")[2] in _ONE_BY_ONE and all(map(_one_by_one, args))
        case ast.Attribute():
            return ast.unparse(tree).startswith("tf.") and tree.attr in ("float32", "int32", "bool")
    return _is_source(tree)


def _factor(tree: ast.AST | None) -> float | None:
    """:return: a, if the expression is a · source(0)"""
    try:
        match tree:
            case ast.BinOp(left=left, right=right, op=ast.Mult()):
                for one, other in ((left, right), (right, left)):
                    if (number := _number(one)) is not None and (rest := _factor(other)) is not None:
                        return number * rest
            case ast.BinOp(left=left, right=right, op=ast.Div()):
                if (number := _number(right)) and (rest := _factor(left)) is not None:
                    return rest / number
        return 1.0 if tree is not None and _is_source(tree) else None
    except OverflowError:
        return None


def _number(tree: ast.AST) -> float | None:
    match tree:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(operand=operand, op=ast.USub()):
            number = _number(operand)
            return None if number is None else -number
        case ast.BinOp(left=left, right=right, op=ast.Pow()):
            base, power = _number(left), _number(right)
            return None if base is None or power is None or base <= 0 else base**power
    return None
