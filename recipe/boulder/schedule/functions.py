"""Functions inside net dicts: how they hash, and how they travel to a worker.

The hash of a function covers its source and its captured values (`capture`), not its file or line. Functions that
capture different values are different. A function travels as cloudpickle bytes, which never enter a hash, since they
differ from process to process.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from boulder.errors import ConfigError
from boulder.schedule.capture import description, modules_by_value


class FunctionByValue:
    """A callable that compares equal to every function with the same source and captured values.

    It can be called like the function, also after it has travelled to a worker, where it knows its digest without the
    source.
    """

    def __init__(self, function: Callable, path: str = "") -> None:
        """
        :param path: where the function was found, for messages
        :raises ConfigError: if it captures an object without a value, e.g. an open file
        """
        self.path = path
        self.name: str = getattr(function, "__qualname__", type(function).__name__)
        self._pickled: bytes | None = None
        self._function: Callable | None = function
        self.captured = description(function, path)
        """The function and all it reaches, plain: `[{"source": …, "closure": …, "globals": …}, …]`."""
        self.digest = _digest(self.captured)

    @property
    def source(self) -> str | None:
        """Source without comments and position; None if there is no source file, as in an interactive session."""
        return self.captured[0].get("source") if self.captured else None

    @property
    def function(self) -> Callable:
        if self._function is None:
            assert self._pickled is not None  # from_payload sets it
            self._function = _unpickle(self._pickled, self.name)
        return self._function

    def settled(self) -> FunctionByValue:
        """
        :return: a copy that keeps the captured values of this moment, also if they change later
        :raises ConfigError: if the function cannot be pickled
        """
        return FunctionByValue.from_payload(self.digest, self.payload())

    def payload(self) -> dict[str, Any]:
        """
        :return: plain dict from which `restore` rebuilds this function
        :raises ConfigError: if the function cannot be pickled
        """
        if self._pickled is None:
            self._pickled = _pickle(self.function, self.path or self.name)
        return {"name": self.name, "captured": self.captured, "pickle": base64.b64encode(self._pickled).decode("ascii")}

    @classmethod
    def from_payload(cls, digest: str, payload: Mapping[str, Any]) -> FunctionByValue:
        """Rebuilds a function. The first call unpickles it, which imports its modules, possibly TensorFlow."""
        self = cls.__new__(cls)
        self.path, self.name, self.digest = "", payload["name"], digest
        self.captured = payload["captured"]
        self._pickled, self._function = base64.b64decode(payload["pickle"]), None
        return self

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def __wrapped__(self) -> Callable:  # inspect.signature follows this attribute
        return self.function

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FunctionByValue):
            return self.digest == other.digest
        return callable(other) and self.digest == function_digest(other)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple:
        return FunctionByValue.from_payload, (self.digest, self.payload())

    def __deepcopy__(self, memo: dict) -> FunctionByValue:
        return self

    def __repr__(self) -> str:
        return f"<FunctionByValue {self.name} {self.digest[:8]}>"


def function_digest(function: Callable) -> str:
    """
    :return: SHA-256 of source and captured values, the same in every process and for every location of the file
    :raises ConfigError: if it captures an object without a value
    """
    return function.digest if isinstance(function, FunctionByValue) else _digest(description(function))


def restore(value: Any, functions: Mapping[str, Mapping] | None = None) -> Any:
    """
    Inverts `canonical`, except that tuples and sets come back as lists.

    :param value: plain
    :param functions: payloads of the functions, as `canonical` filled them in
    :raises ConfigError: if the payload of a function is missing
    """
    if isinstance(value, list):
        return [restore(item, functions) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"#function"}:
        digest = value["#function"]
        if functions is None or digest not in functions:
            raise ConfigError(f"function {digest[:8]}: found no pickle of it, expected one beside the net dict")
        return FunctionByValue.from_payload(digest, functions[digest])
    if value.keys() == {"#float"}:
        return float(value["#float"])
    if value.keys() == {"#items"}:
        return {restore(key): restore(item, functions) for key, item in value["#items"]}
    if value.keys() == {"#value", "of"}:
        return _class_of(value["#value"]).from_plain(restore(value["of"], functions))
    return {key: restore(item, functions) for key, item in value.items()}


def _class_of(name: str) -> Any:
    module, _, cls = name.partition(":")
    if not module.startswith("boulder."):
        raise ConfigError(f"found a value of {name!r:.80}, expected one of Boulder's classes")
    return getattr(importlib.import_module(module), cls)


def _digest(captured: list[dict]) -> str:
    return hashlib.sha256(json.dumps(captured, sort_keys=True).encode()).hexdigest()


def _pickle(function: Callable, path: str) -> bytes:
    import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    modules = [module for module in modules_by_value(function) if module.__name__ not in known]
    try:
        for module in modules:  # by reference, a worker would import the file's later state
            cloudpickle.register_pickle_by_value(module)
        return cloudpickle.dumps(function)
    except Exception as error:  # a foreign __reduce__ may raise anything
        text = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot travel to a worker: {type(error).__name__}: {text}") from error
    finally:
        for module in modules:
            if module.__name__ in cloudpickle.list_registry_pickle_by_value():
                cloudpickle.unregister_pickle_by_value(module)


def _unpickle(pickled: bytes, name: str) -> Callable:
    import pickle

    try:
        return pickle.loads(pickled)
    except Exception as error:  # usually a module that is missing on the worker
        text = " ".join(str(error).split())
        raise ConfigError(f"function {name}: cannot be loaded here: {type(error).__name__}: {text}") from error
