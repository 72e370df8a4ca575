"""The option `eval`: an expression or a function of a layer's sources."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from boulder.errors import BoulderError, NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis
from boulder.network.code.data import SourceData
from boulder.network.code.layer import CodeLayer, code_layer
from boulder.network.code.outer_axes import OuterAxes
from boulder.network.code.running import code_of
from boulder.network.code.tensor_functions import FUNCTIONS
from boulder.network.code.tensorflow_names import imported, tensorflow_module
from boulder.network.common_axes import broadcast_axes, own_axes
from boulder.network.layer_run import LayerRun
from boulder.network.tensor import Tensor


class Expression:
    """The text of an `eval` as a function of the names in it."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()

    def __call__(self, /, **names: object) -> Any:
        return eval(self.text, {**FUNCTIONS, "tf": tensorflow_module(), **names})  # a config is trusted code (README)

    def __reduce__(self) -> tuple:
        return Expression, (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def problem_of(text: str, more: Iterable[str]) -> str | None:
    """
    :param more: names that the expression may use besides those that every `eval` may
    :return: why it is no expression of known names, as the end of a sentence; None if it is one
    """
    return _problem_of(text, tuple(more))


@lru_cache(maxsize=4096)
def _problem_of(text: str, more: tuple[str, ...]) -> str | None:
    try:
        tree = ast.parse(text.strip(), mode="eval")
        compile(tree, "eval", "eval")
    except (SyntaxError, ValueError) as error:
        return f"is not an expression: {getattr(error, 'msg', error)} in {text!r}"
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = {*FUNCTIONS, "tf", "source", "self", *more}
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for name in (node.id for node in names):
        if name not in known | own and not hasattr(builtins, name):
            return f"names {name!r}, which is unknown, in {text!r}{nearest(name, known)}"
    return None


class Sources:
    """`source` inside an `eval`: `source(i, …)` is the source number i."""

    def __init__(self, run: LayerRun, tensors: Sequence[Tensor], order: Sequence[Axis] | None) -> None:
        """
        :param order: axes to which sources are converted; None: the axes of all sources
        """
        self.outer = OuterAxes(run, tensors)
        self.tensors = [self.outer.merged(x) for x in tensors]
        self.axes = broadcast_axes(self.tensors) if order is None else tuple(order)
        self.layer = code_layer(run, self.tensors, self.outer.length)
        self.batch_major = (
            False  # whether the code asked for a source with the batch axis first; then the result has it first
        )

    def __call__(
        self,
        i: int,
        auto_convert: bool = True,
        enforce_batch_major: bool = False,
        as_data: bool = False,
        as_layer: bool = False,
    ) -> TFTensor | SourceData | CodeLayer:
        """
        :param i: number of the source, from 0
        :param auto_convert: whether it gets the axes of the result, in one order, of size 1 where it lacks one; otherwise, or
            if the result lacks one of its own axes, it has its own ones
        :param enforce_batch_major: whether the batch axis comes first
        :param as_data: returns a `SourceData` in place of a tensor
        :param as_layer: returns a `CodeLayer`, without conversion
        :raises NetworkError: if there is no source of that number
        """
        if not 0 <= i < len(self.tensors):
            raise NetworkError(f"source({i}): there are {len(self.tensors)} sources, counted from 0")
        if as_layer:
            return self.layer.sources[i]
        tensor = self.tensors[i]
        axes = own_axes(tensor, self.axes)
        if auto_convert and {axis.identity for axis in tensor.axes} <= {axis.identity for axis in axes}:
            tensor = replace(tensor, value=tensor.ordered(axes), axes=tuple(axes))
        data = SourceData(self.layer.sources[i].name, tensor, self.outer.length)
        if enforce_batch_major:
            data, self.batch_major = data.copy_as_batch_major(), True
        return data if as_data else data.placeholder


def evaluated(
    function: str | Callable,
    names: Mapping[str, object] | None,
    run: LayerRun,
    sources: Sequence[Tensor],
    order: Sequence[Axis] | None = None,
) -> tuple[TFTensor, Sources]:
    """
    :param function: an expression, or a function of `source`, `self` and `names`; it need not take `self`
    :param order: see `Sources`
    :return: the result, and the sources as the function saw them
    :raises NetworkError: for any error that the function raises
    """
    source = Sources(run, sources, order)
    given = {"source": source, "self": source.layer, **(names or {})}
    where = f"{run.where}: 'eval' failed"
    try:
        with code_of(run.random), imported():
            if isinstance(function, str):
                result = Expression(function)(**given)
            else:
                result = function(**_taken(function, given))
            return tf.convert_to_tensor(result), source
    except BoulderError as error:
        raise NetworkError(f"{where}: {error}") from error
    except Exception as error:
        first_line = str(error).strip().partition("\n")[0]
        raise NetworkError(f"{where} with {type(error).__name__}: {first_line}") from error


def _taken(function: Callable, given: dict[str, object]) -> dict[str, object]:
    """:return: `given` without `self` if the function does not take it, as RETURNN requires"""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given
    takes_all = any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters)
    named = {parameter.name for parameter in parameters if parameter.kind != parameter.POSITIONAL_ONLY}
    return given if takes_all or "self" in named else {key: value for key, value in given.items() if key != "self"}
