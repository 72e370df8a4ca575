"""Canonical bytes of an object, and a short hash of them.

Job ids contain these hashes and finished work is found by them, so the bytes must never change: they equal those of
upstream Sisyphus for every object (recorded in tests/embedded/upstream_facts.json).
"""

import enum
import hashlib
import pathlib
import types
from inspect import isclass, isfunction, ismemberdescriptor

PLAIN = (int, float, bool, str, complex)
ORDERED = (list, tuple)
UNORDERED = (set, frozenset)
BUILTIN = (*PLAIN, *ORDERED, *UNORDERED, dict)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LONGEST = 4096  # longer descriptions are replaced by their digest, which bounds the size of nested ones
MISSING = object()


def short_hash(obj, length=12, chars=ALPHABET) -> str:
    """Returns the hash at the end of a job id: `length` digits in base len(chars), least significant first."""
    number = int_hash(obj)
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(chars))
        digits.append(chars[digit])
    return "".join(digits)


def md5(obj) -> str:
    return hashlib.md5(str(obj).encode()).hexdigest()


def int_hash(obj) -> int:
    return int.from_bytes(hashlib.sha256(sis_hash_helper(obj)).digest(), "big")


def sis_hash_helper(obj) -> bytes:
    """Returns `(type, content, ...)`, where content is the value's own bytes or the descriptions of its parts.

    The order of the cases matters: a dict that defines `_sis_hash` is still hashed as a dict.
    """
    kind = type(obj)
    if isinstance(obj, bytes):
        parts = [obj]
    elif obj is None:
        parts = []
    elif kind in PLAIN:
        parts = [repr(obj).encode()]
    elif kind in ORDERED:
        parts = [sis_hash_helper(item) for item in obj]
    elif kind in UNORDERED:
        parts = sorted(sis_hash_helper(item) for item in obj)
    elif isinstance(obj, dict):
        parts = sorted(sis_hash_helper(item) for item in obj.items())
    elif isfunction(obj) or isclass(obj):
        parts = [sis_hash_helper(_importable_name(obj))]
    elif hasattr(obj, "_sis_hash"):
        return obj._sis_hash()
    else:
        parts = [sis_hash_helper(get_object_state(obj))]
    # Python 3.11 renamed EnumMeta; the old name keeps the old ids
    name = "EnumMeta" if kind is enum.EnumMeta else kind.__qualname__
    text = b"(" + b", ".join([name.encode(), *parts]) + b")"
    return hashlib.sha256(text).digest() if len(text) > LONGEST else text


def _importable_name(obj) -> tuple[str, str]:
    """Functions and classes are hashed by name, not by content; a name that other processes cannot import is refused."""
    if obj.__name__ == "<lambda>":
        raise ValueError(f"cannot hash {obj.__qualname__} of {obj.__module__}: give the lambda a name with def")
    if obj.__module__ == "__main__":
        raise ValueError(f"cannot hash {obj.__qualname__} of __main__: move it into a module that can be imported")
    return obj.__module__, obj.__qualname__


def get_object_state(obj):
    """Returns what distinguishes the object from others of its type. Paths inside an object are searched for here as well."""
    if obj is None or type(obj) in BUILTIN:
        return obj
    has_new_args = hasattr(obj, "__getnewargs_ex__") or hasattr(obj, "__getnewargs__")
    if isinstance(obj, BUILTIN) and not has_new_args:
        # such a type may hold more than its elements, and ignoring that could merge two different jobs
        raise TypeError(f"cannot hash {obj!r}: {type(obj).__qualname__} derives from a builtin container")
    if isinstance(obj, (types.MethodDescriptorType, types.WrapperDescriptorType)):
        return obj.__qualname__
    if isinstance(obj, types.ModuleType):
        return obj.__name__
    if isfunction(obj) or isclass(obj):
        return obj.__module__, obj.__qualname__
    if isinstance(obj, pathlib.PurePath):
        return str(obj)  # their attributes are caches

    state = _own_state(obj)
    if isinstance(obj, enum.Enum) and isinstance(state, dict):
        state.pop("_sort_order_", None)  # new in Python 3.11
    if not has_new_args:
        if state is None:
            raise TypeError(f"cannot hash {obj!r}: {type(obj).__qualname__} shows no state; define __sis_state__")
        return state
    new_args = obj.__getnewargs_ex__() if hasattr(obj, "__getnewargs_ex__") else obj.__getnewargs__()
    return new_args, state


def _own_state(obj):
    if hasattr(obj, "__sis_state__"):
        return obj.__sis_state__()
    # since Python 3.11 every object has a __getstate__; only a user-defined one is relevant
    if hasattr(obj, "__getstate__") and type(obj).__getstate__ is not getattr(object, "__getstate__", None):
        return obj.__getstate__()
    found = _attributes(obj)
    if not found and not hasattr(obj, "__dict__") and not hasattr(obj, "__slots__"):
        return None
    return found


def _attributes(obj) -> dict:
    """Returns the attributes of the object itself, not of its class, including those of types written in C."""
    if isinstance(obj, (types.MethodWrapperType, types.BuiltinMethodType)):
        return {"__self__": obj.__self__, "__name__": obj.__name__}
    found = dict(getattr(obj, "__dict__", {}))
    for name in getattr(obj, "__slots__", ()):
        value = getattr(obj, name, MISSING)
        if value is not MISSING:
            found[name] = value
    for name in dir(obj):
        if name in found or (name.startswith("__") and name not in ("__self__", "__func__")):
            continue
        of_class = next((vars(c)[name] for c in type(obj).__mro__ if name in vars(c)), MISSING)
        if of_class is not MISSING and hasattr(of_class, "__get__") and not ismemberdescriptor(of_class):
            continue  # a method or property
        value = getattr(obj, name, MISSING)
        if value is not MISSING and value is not of_class:
            found[name] = value
    return found
