"""`max_seq_len`: how many frames a loop may have whose end is decided within."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.refs import Ref

DEFAULT = 1000
"""Frames at most, where nothing is said."""


@dataclass(frozen=True)
class MaxLength:
    """
    :param value: a number, or an expression that may use `max_len_from(NAME)`, the length of the longest sequence of a layer
    :param names: name as the expression has it → absolute name
    """

    value: int | str
    names: Mapping[str, Ref] = field(default_factory=dict)

    @classmethod
    def read(cls, value: int | str | None, resolve: Callable[[str, str], Ref], where: str) -> MaxLength:
        """
        :param resolve: (name, for messages) → absolute name
        :raises NetworkError: if it is no number and no such expression
        """
        if value is None:
            return cls(DEFAULT)
        names: dict[str, Ref] = {}

        def record(name: str) -> int:
            if not isinstance(name, str):
                raise TypeError(f"max_len_from takes the name of a layer, found {name!r}")
            names[name] = resolve(name if name.startswith("base:") else f"base:{name}", f"{where}: 'max_seq_len'")
            return 1

        if isinstance(value, str):
            try:
                eval(
                    value, {"max_len_from": record, "tf": tf if "tf." in value else None}
                )  # trusted, as all of a config
            except NetworkError:
                raise
            except Exception as error:
                raise NetworkError(
                    f"{where}: 'max_seq_len' {value!r} failed with {type(error).__name__}: {error}"
                ) from None
        elif value < 1:
            raise NetworkError(f"{where}: 'max_seq_len' must be at least 1, found {value}")
        return cls(value, names)

    def frames(self, longest: Callable[[str], object]):
        """
        :param longest: absolute name → int32 scalar
        :return: int32 scalar
        """
        if isinstance(self.value, str):
            limit = eval(self.value, {"max_len_from": lambda name: longest(self.names[name].key), "tf": tf})
        else:
            limit = self.value
        return tf.cast(limit, tf.int32)
