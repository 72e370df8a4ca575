"""Functions inside net dicts: what they are for a hash, and how they travel to a worker.

The hash of a function is made of its source and of what it captures (`capture`): where its file lies, and on which
line of it, does not matter, and a function that captures another value is another function. To the worker it goes as
cloudpickle bytes, which never enter a hash, since they differ from process to process.
"""

import base64
import hashlib
import importlib
import json
from collections.abc import Callable, Mapping

from boulder.errors import ConfigError
from boulder.schedule.capture import describe, modules_by_value


class FunctionByValue:
    """A function (or another callable) that is equal to every function which does the same by the same source.

    Can be called as the function itself, also after it has travelled; it knows its digest without the source then.
    """

    def __init__(self, function: Callable, path: str = "") -> None:
        """
        :param path: where it was found, for messages
        :raises ConfigError: it captures something that has no value, e.g. an open file
        """
        self.path = path
        self.name: str = getattr(function, "__qualname__", type(function).__name__)
        self._pickled: bytes | None = None
        self._function: Callable | None = function
        self.captured = describe(function, path)
        """Plain: the function and all it reaches, `[{"source": …, "closure": …, "globals": …}, …]`."""
        self.digest = _digest(self.captured)

    @property
    def source(self) -> str | None:
        """Without comments and position; None where there is none, as in an interactive session."""
        return self.captured[0].get("source") if self.captured else None

    @property
    def function(self) -> Callable:
        """The function itself."""
        if self._function is None:
            self._function = _unpickle(self._pickled, self.name)
        return self._function

    def settled(self) -> "FunctionByValue":
        """
        :return: with all that it captures as it is now, whatever becomes of that
        :raises ConfigError: it cannot be pickled
        """
        return FunctionByValue.from_payload(self.digest, self.payload())

    def payload(self) -> dict[str, object]:
        """
        :return: plain: what `restore` needs to have this function again
        :raises ConfigError: it cannot be pickled
        """
        if self._pickled is None:
            self._pickled = _pickle(self.function, self.path or self.name)
        return {"name": self.name, "captured": self.captured, "pickle": base64.b64encode(self._pickled).decode("ascii")}

    @classmethod
    def from_payload(cls, digest: str, payload: Mapping[str, object]) -> "FunctionByValue":
        """The function is unpickled when it is first called: then its modules are imported, TensorFlow perhaps."""
        self = cls.__new__(cls)
        self.path, self.name, self.digest = "", payload["name"], digest
        self.captured = payload["captured"]
        self._pickled, self._function = base64.b64decode(payload["pickle"]), None
        return self

    def __call__(self, /, *args, **kwargs):
        return self.function(*args, **kwargs)

    @property
    def __wrapped__(self) -> Callable:  # inspect.signature follows it
        return self.function

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FunctionByValue):
            return self.digest == other.digest
        return callable(other) and self.digest == function_digest(other)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self):
        return FunctionByValue.from_payload, (self.digest, self.payload())

    def __deepcopy__(self, memo) -> "FunctionByValue":
        return self

    def __repr__(self) -> str:
        return f"<FunctionByValue {self.name} {self.digest[:8]}>"


def function_digest(function: Callable) -> str:
    """
    :return: the SHA-256 of what the function is: the same in every process, wherever its file lies
    :raises ConfigError: it captures something that has no value
    """
    return function.digest if isinstance(function, FunctionByValue) else _digest(describe(function))


def restore(value: object, functions: Mapping[str, Mapping] | None = None) -> object:
    """
    The inverse of `canonical`, except that what was a tuple or a set is a list now.

    :param value: plain
    :param functions: what `canonical` has put there
    :raises ConfigError: a function is missing there
    """
    if isinstance(value, list):
        return [restore(item, functions) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"#function"}:
        digest = value["#function"]
        if digest not in (functions or {}):
            raise ConfigError(f"function {digest[:8]}: found no pickle of it, expected one beside the net dict")
        return FunctionByValue.from_payload(digest, functions[digest])
    if value.keys() == {"#float"}:
        return float(value["#float"])
    if value.keys() == {"#items"}:
        return {restore(key): restore(item, functions) for key, item in value["#items"]}
    if value.keys() == {"#value", "of"}:
        return _class_of(value["#value"]).from_plain(restore(value["of"], functions))
    return {key: restore(item, functions) for key, item in value.items()}


def _class_of(name: str) -> type:
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
        for module in modules:  # by reference, a worker would import the file as it is by then
            cloudpickle.register_pickle_by_value(module)
        return cloudpickle.dumps(function)
    except Exception as error:  # whatever the captured objects' own __reduce__ raises
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
    except Exception as error:  # a module that is missing there, most often
        text = " ".join(str(error).split())
        raise ConfigError(f"function {name}: cannot be loaded here: {type(error).__name__}: {text}") from error
