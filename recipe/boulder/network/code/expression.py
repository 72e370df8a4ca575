"""`eval`: a string, or a function, of a layer's sources."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from boulder.errors import BoulderError, NetworkError
from boulder.lazy import tf
from boulder.network.aligning import aligned, broadcast_axes
from boulder.network.code.data import SourceData
from boulder.network.code.layer import code_layer
from boulder.network.code.running import code_of
from boulder.network.code.tensorflow_names import imported, tensorflow_module
from boulder.network.tensor import Tensor


class Expression:
    """The text of an `eval`, as a function of the names in it."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()

    def __call__(self, /, **names):
        from boulder.returnn.provided import (
            tensors,
        )  # RETURNN's functions of tensors, which a text may call by their names

        functions = {name: getattr(tensors, name) for name in tensors.FUNCTIONS}
        return eval(self.text, {**functions, "tf": tensorflow_module(), **names})  # a config is trusted code (README)

    def __reduce__(self):
        return Expression, (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


class Sources:
    """What `source(i, …)` gives inside an `eval`."""

    def __init__(self, run, tensors: Sequence[Tensor]) -> None:
        """
        :param run: `boulder.network.run.LayerRun`
        """
        self._run, self._tensors = run, tensors
        self._axes = broadcast_axes(tensors)
        self._aligned = aligned(tensors)
        self.layer = code_layer(run, tensors)
        self.batch_major = False
        """Whether one was asked for with its batch axis first: then the result has it there, too."""

    def __call__(self, i: int, auto_convert=True, enforce_batch_major=False, as_data=False, as_layer=False):
        """
        :param i: number of the source
        :param auto_convert: with the axes of all the sources, in one order; of size 1 where this one lacks them
        :param enforce_batch_major: the batch axis first
        :param as_data: a `SourceData`, else its tensor
        :param as_layer: a `CodeLayer`, as it is
        """
        if not 0 <= i < len(self._tensors):
            raise NetworkError(f"source({i}): there are {len(self._tensors)} sources, counted from 0")
        if as_layer:
            return self.layer.sources[i]
        tensor = self._tensors[i]
        if auto_convert:
            own = tensor.template.feature
            axes = [own if own and axis.kind == own.kind else axis for axis in self._axes]
            tensor = replace(tensor, value=self._aligned[i], axes=tuple(axes))
        data = SourceData(self.layer.sources[i].name, tensor, self._run)
        if enforce_batch_major:
            data, self.batch_major = data.copy_as_batch_major(), True
        return data if as_data else data.placeholder


def evaluated(function: str | Callable, names: Mapping[str, object] | None, run, sources: Sequence[Tensor]):
    """
    :param function: gets `source`, `self` and `names`, as far as it takes them
    :return: (tf.Tensor, whether its batch axis comes first; else its axes are in the order of the sources)
    :raises NetworkError: for whatever it raises
    """
    source = Sources(run, sources)
    given = {"source": source, "self": source.layer, **(names or {})}
    where = f"{run.where}: 'eval' failed"
    try:
        with code_of(run.random), imported():
            if isinstance(function, str):
                result = Expression(function)(**given)
            else:
                result = function(**_taken(function, given))
            return tf.convert_to_tensor(result), source.batch_major
    except BoulderError as error:
        raise NetworkError(f"{where}: {error}") from error
    except Exception as error:
        first_line = str(error).strip().partition("\n")[0]
        raise NetworkError(f"{where} with {type(error).__name__}: {first_line}") from error


def _taken(function: Callable, given: dict) -> dict:
    """:return: without `self`, if the function cannot be called with it; in RETURNN it must take it"""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given
    takes_all = any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters)
    named = {parameter.name for parameter in parameters if parameter.kind != parameter.POSITIONAL_ONLY}
    return given if takes_all or "self" in named else {key: value for key, value in given.items() if key != "self"}
