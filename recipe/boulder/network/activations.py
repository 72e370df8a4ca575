"""Activation functions by the names of RETURNN's `get_activation_function`.

A name may also be an arithmetic expression of names and numbers ("2 * sigmoid - 1"), or a Python expression of `x`, which is
recognized by its parentheses ("tf.maximum(x, 0.1)").
"""

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from boulder.errors import NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.code.tensorflow_names import tensorflow_module
from boulder.network.silu import silu
from boulder.network.template import Template

ACTIVATIONS: dict[str, Callable[[TFTensor], TFTensor]] = {
    "identity": lambda x: x,
    "none": lambda x: x,
    "relu": lambda x: tf.nn.relu(x),
    "relu6": lambda x: tf.nn.relu6(x),
    "leaky_relu": lambda x: tf.nn.leaky_relu(x),  # slope 0.2 below 0
    "elu": lambda x: tf.nn.elu(x),
    "selu": lambda x: tf.nn.selu(x),
    "gelu": lambda x: tf.nn.gelu(
        x
    ),  # not the tanh approximation: RETURNN defines that under this name, but finds TensorFlow's function first
    "gelu2": lambda x: x * tf.sigmoid(1.702 * x),  # Hendrycks & Gimpel 2016, section 2
    "gelu3": lambda x: tf.nn.gelu(x),
    "swish": lambda x: silu(x),
    "silu": lambda x: silu(x),
    "tanh": lambda x: tf.tanh(x),
    "sigmoid": lambda x: tf.sigmoid(x),
    "softplus": lambda x: tf.nn.softplus(x),
    "softsign": lambda x: tf.nn.softsign(x),
    "log_sigmoid": lambda x: tf.math.log_sigmoid(x),
    "exp": lambda x: tf.exp(x),
    "expm1": lambda x: tf.math.expm1(x),
    "log": lambda x: tf.math.log(x),
    "log1p": lambda x: tf.math.log1p(x),
    "safe_log": lambda x: tf.math.log(tf.maximum(x, 1e-20)),
    "abs": lambda x: tf.abs(x),
    "neg": lambda x: -x,
    "negative": lambda x: -x,
    "sign": lambda x: tf.sign(x),
    "square": lambda x: tf.square(x),
    "sqrt": lambda x: tf.sqrt(x),
    "rsqrt": lambda x: tf.math.rsqrt(x),
    "reciprocal": lambda x: tf.math.reciprocal(x),
    "erf": lambda x: tf.math.erf(x),
    "sin": lambda x: tf.sin(x),
    "cos": lambda x: tf.cos(x),
    "sinh": lambda x: tf.sinh(x),
    "cosh": lambda x: tf.cosh(x),
    "atan": lambda x: tf.atan(x),
    "floor": lambda x: tf.floor(x),
    "ceil": lambda x: tf.math.ceil(x),
    "round": lambda x: tf.round(x),
    "stop_gradient": lambda x: tf.stop_gradient(x),
    "softmax": lambda x: tf.nn.softmax(x),
    "log_softmax": lambda x: tf.nn.log_softmax(x),
}

_LINEAR = (None, "", "identity", "none")
_OVER_FEATURES = {"softmax", "log_softmax"}
_OPERATORS: dict[type[ast.operator], Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def check(name: str | None, template: Template, where: str) -> None:
    """
    :param name: name of an activation function, or an expression
    :param template: template of its argument
    :param where: the layer, for messages
    :raises NetworkError: for an unknown name, or an argument that does not fit
    """
    if name in _LINEAR:
        return
    names = _names(name, where)
    if not template.dtype.startswith("float") and not (template.dtype == "complex64" and name == "abs"):
        raise NetworkError(f"{where}: activation {name!r} needs float values, found {template}")
    if _OVER_FEATURES & names and template.feature is None:
        raise NetworkError(f"{where}: activation {name!r} needs a feature axis, found {template}")
    if _OVER_FEATURES & names and template.feature and template.feature.is_dynamic_feature:
        raise NetworkError(
            f"{where}: activation {name!r} would include the padding of {template.feature}; expected 'softmax_over_spatial'"
        )


_OPTIONS: dict[str, dict[str, Callable[[TFTensor, Any], TFTensor]]] = {
    "safe_log": {"eps": lambda x, eps: tf.math.log(tf.maximum(x, eps))},
    "leaky_relu": {"alpha": lambda x, alpha: tf.nn.leaky_relu(x, alpha)},
    "gelu": {"approximate": lambda x, approximate: tf.nn.gelu(x, approximate)},
}
"""activation function → its option → the function with this option"""


def check_options(name: str | None, options: Mapping[str, object], where: str) -> None:
    """
    :param options: at least one, of the activation function
    :raises NetworkError: for an option that the function does not have, or a value of the wrong type
    """
    known = _OPTIONS.get(name or "", {})
    for option, value in options.items():
        if option not in known:
            has = f"expected {', '.join(map(repr, known))}" if known else f"but activation {name!r} has no options"
            raise NetworkError(f"{where}: 'opts': unknown option {option!r}, {has}")
        if option == "eps" and (not isinstance(value, int | float) or isinstance(value, bool) or value <= 0):
            raise NetworkError(f"{where}: 'opts': 'eps' must be a number above 0, found {value!r:.80}")
        if option == "alpha" and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise NetworkError(f"{where}: 'opts': 'alpha' must be a number, found {value!r:.80}")
        if option == "approximate" and not isinstance(value, bool):
            raise NetworkError(f"{where}: 'opts': 'approximate' must be True or False, found {value!r:.80}")


def apply(name: str | None, x: TFTensor, options: Mapping[str, object] | None = None) -> TFTensor:
    """
    Applies an activation function.

    :param x: tensor whose last axis is the feature axis
    :param options: see `check_options`
    """
    if options:
        ((option, value),) = options.items()  # no function has two
        return _OPTIONS[name or ""][option](x, value)
    return _function(name or "identity")(x)


_MAY_BE_INFINITE = ("exp", "expm1", "log", "log1p", "reciprocal", "rsqrt", "sinh", "cosh", "sqrt")


def may_be_infinite(name: str | None) -> bool:
    """:return: whether its values or its gradients are infinite for some finite values; Python code may do anything"""
    if name is None or name in ACTIVATIONS:
        return name in _MAY_BE_INFINITE
    return _is_python(name) or "/" in name or any(function in name for function in _MAY_BE_INFINITE)


def _is_python(name: str) -> bool:
    return "(" in name


def _names(name: str, where: str) -> set[str]:
    """:return: names of the activation functions in `name`"""
    if name in ACTIVATIONS:
        return {name}
    problem = NetworkError(f"{where}: unknown activation {name!r}{nearest(name, ACTIVATIONS)}")
    try:
        body = ast.parse(name.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise problem from None
    found = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
    if _is_python(name):
        bound = {node.arg for node in ast.walk(body) if isinstance(node, ast.arg)}
        unknown = sorted(found - bound - {"x", "tf", *dir(builtins)})
        if unknown:
            raise NetworkError(f"{where}: activation {name!r} may use the names 'x' and 'tf', found {unknown[0]!r}")
        return set()
    if not isinstance(body, ast.BinOp) or not _is_arithmetic(body):
        raise problem
    unknown = sorted(found - set(ACTIVATIONS))
    if unknown:
        raise NetworkError(f"{where}: unknown activation {unknown[0]!r} in {name!r}{nearest(unknown[0], ACTIVATIONS)}")
    return found


def _is_arithmetic(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(left, operation, right):
            return type(operation) in _OPERATORS and _is_arithmetic(left) and _is_arithmetic(right)
        case ast.Constant(int() | float() as value):
            return not isinstance(value, bool)
    return isinstance(node, ast.Name)


@cache
def _function(name: str) -> Callable:
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if _is_python(name):
        code = compile(name.strip(), f"activation {name}", "eval")
        return lambda x: eval(code, {"tf": tensorflow_module(), "x": x})  # a config is trusted code (README)
    return _arithmetic(ast.parse(name.strip(), mode="eval").body)


def _arithmetic(node: ast.AST) -> Callable:
    match node:
        case ast.Constant(value):
            return lambda _x: value
        case ast.Name(name):
            return ACTIVATIONS[name]
        case ast.BinOp(left, operation, right):
            a, b, combine = _arithmetic(left), _arithmetic(right), _OPERATORS[type(operation)]
            return lambda x: combine(a(x), b(x))
    raise ValueError(f"not arithmetic, which `check` refuses: {ast.dump(node)}")
