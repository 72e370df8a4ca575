"""`described`: networks that many pipelines share are described once in a process."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.describe import describe
from boulder.network.specs import NetworkSpec
from boulder.network.warning import warnings_so_far

_LIMIT = 256
_known: dict[str, NetworkSpec] = {}
"""The newest results."""


def described(network: Mapping[str, object], extern_data: Mapping[str, object]) -> NetworkSpec:
    """
    :return: the result of `describe`; the same object for equal arguments of plain values. A network with functions or `Dim`
        objects, or with a warning, which each pipeline shows, is described anew.
    """
    if not (_is_plain(network) and _is_plain(extern_data)):
        return describe(network, extern_data)
    key = repr((network, extern_data))
    if key not in _known:
        before = warnings_so_far()
        spec = describe(network, extern_data)
        if warnings_so_far() != before:
            return spec
        _known[key] = spec
        if len(_known) > _LIMIT:
            del _known[next(iter(_known))]
    return _known[key]


def _is_plain(value: object) -> bool:
    """:return: whether `repr` tells all about it"""
    if type(value) is dict:
        return all(type(key) is str and _is_plain(entry) for key, entry in value.items())
    if type(value) is list or type(value) is tuple:
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)
