"""`dropout_noise_shape` and `dropout_axis`: the axes along which the entries of an input share one choice of dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boulder.network.axes import BATCH, BEAM, FEATURE, TIME, Axis
from boulder.network.axis_names import find_axes
from boulder.network.site import Site
from boulder.network.template import Template

_ROLES = {"B": BATCH, "T": TIME, "F": FEATURE}
"""keys that may name an axis which the input lacks, such as the time in a loop"""
_SHARED, _INDEPENDENT = (1, "x"), (None, -1)


def shares_frames(noise_shape: Mapping[Any, Any] | None) -> bool:
    """:return: whether the iterations of a loop share one choice"""
    given = noise_shape or {}
    return "*" not in given or given["*"] in _SHARED


def shared_axes(noise_shape: Mapping[Any, Any] | None, axis: object, template: Template, site: Site) -> frozenset[Axis]:
    """
    :param noise_shape: axis → 1 or "x" to share one choice along it, None or -1 for independent ones; "*": all other axes. The
        default is 1, and None for the features
    :param axis: `dropout_axis`: the axes with independent choices, in place of `noise_shape`
    :param template: of the input
    :return: axes along which one choice holds for all entries. The hypotheses of a search never share one
    :raises NetworkError: for a wrong option
    """
    own = [a for a in template.axes if a.kind != BEAM]
    if axis is not None:
        if noise_shape:
            raise site.fail("'dropout_axis' and 'dropout_noise_shape' cannot be given together")
        return frozenset(own) - set(find_axes(template, axis, site))
    given = dict(noise_shape or {})
    for key, value in given.items():
        if value not in (*_SHARED, *_INDEPENDENT):
            raise site.fail(f"'dropout_noise_shape' gives each axis the value 1 or None, found {{{key!r}: {value!r}}}")
    choices: dict[Axis, bool] = {}
    for key, value in given.items():
        for named in () if key == "*" else _named(key, template, site):
            if named in choices:
                raise site.fail(f"'dropout_noise_shape' names the axis {named} twice")
            choices[named] = value in _SHARED
    default = {a: given["*"] in _SHARED if "*" in given else a.kind != FEATURE for a in own}
    return frozenset(a for a, shared in (default | choices).items() if shared)


def _named(key: object, template: Template, site: Site) -> tuple[Axis, ...]:
    if isinstance(key, str) and key in _ROLES:
        return tuple(a for a in template.axes if a.kind == _ROLES[key])
    return find_axes(template, key, site)
