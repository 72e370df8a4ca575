"""`max_seq_len` and `max_seq_len_via`: the maximal number of frames of a loop that a layer `end` ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.code.tensorflow_names import tensorflow_module
from boulder.network.refs import Ref
from boulder.network.source_options import naming
from boulder.network.template import Template
from boulder.network.tensor import Tensor

DEFAULT = 1000
"""maximal number of frames if the option is not given"""


class _Anything:
    """TensorFlow while planning: any name in it, and the number 1 where called."""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __call__(self, *args: object, **kwargs: object) -> int:
        return 1


@dataclass(frozen=True)
class MaxLength:
    """
    :param value: a number, or an expression that may call `max_len_from(NAME)` for the maximal length of a layer's output, and
        functions of `tf` by the names of TensorFlow 2 or 1
    :param names: name in the expression → reference
    :param via: the layer whose output is the number, in place of `value`
    :param where: the loop, for messages
    :param given: whether an option says it
    """

    value: int | str
    names: Mapping[str, Ref] = field(default_factory=dict)
    via: Ref | None = None
    where: str = ""
    given: bool = True

    @classmethod
    def read(
        cls, value: int | str | None, via: str | None, resolve: Callable[[str, str], Ref], where: str
    ) -> MaxLength:
        """
        :param value: the option `max_seq_len`
        :param via: the option `max_seq_len_via`
        :param resolve: (name, context for error messages) → reference
        :param where: the loop, for messages
        :raises NetworkError: if the value is less than 1, or the expression fails
        """
        if via is not None:
            if value is not None:
                raise NetworkError(f"{where}: 'max_seq_len' and 'max_seq_len_via' give one number, found both")
            with naming("max_seq_len_via"):
                return cls(DEFAULT, via=resolve(f"base:{via.removeprefix('base:')}", where), where=where)
        if value is None:
            return cls(DEFAULT, given=False)
        names: dict[str, Ref] = {}

        def record(name: str) -> int:
            if not isinstance(name, str):
                raise TypeError(f"max_len_from takes the name of a layer, found {name!r}")
            names[name] = resolve(name if name.startswith("base:") else f"base:{name}", f"{where}: 'max_seq_len'")
            return 1

        if isinstance(value, str):
            try:
                # like any code in a config, the expression is trusted
                eval(value, {"max_len_from": record, "tf": _Anything()})
            except NetworkError:
                raise
            except Exception as error:
                raise NetworkError(
                    f"{where}: 'max_seq_len' {value!r} failed with {type(error).__name__}: {error}"
                ) from None
        elif value < 1:
            raise NetworkError(f"{where}: 'max_seq_len' must be at least 1, found {value}")
        return cls(value, names, where=where)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What the number depends on."""
        return (*self.names.values(), *([self.via] if self.via else []))

    def check(self, template_of: Callable[[Ref], Template]) -> None:
        """:raises NetworkError: if `max_seq_len_via` is not one whole number for the batch"""
        if self.via is None:
            return
        template = template_of(self.via)
        if template.axes or not template.dtype.startswith("int"):
            raise NetworkError(
                f"{self.where}: 'max_seq_len_via' must be one whole number for all sequences, but {self.via.name!r} is {template}"
            )

    def frames(self, source: Callable[[str], Tensor], longest: Callable[[Tensor], TFTensor]) -> TFTensor:
        """
        :param source: name → source of the loop
        :param longest: source of the loop → int32 scalar, its maximal length
        :return: int32 scalar
        """
        if self.via:
            limit = source(self.via.key).value
        elif isinstance(self.value, str):
            names = {"max_len_from": lambda name: longest(source(self.names[name].key)), "tf": tensorflow_module()}
            try:
                limit = eval(self.value, names)
            except Exception as error:
                raise NetworkError(
                    f"{self.where}: 'max_seq_len' {self.value!r} failed with {type(error).__name__}: {error}"
                ) from error
        else:
            limit = self.value
        return tf.cast(limit, tf.int32)
