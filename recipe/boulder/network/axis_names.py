"""Axes by the descriptions of net dicts: "T", "spatial:0", "static:-1", … (RETURNN: `Data.get_axes_from_description`).

    "B" "batch"        "T" "time"        "F" "feature"        letters together, as in "BT"        "T?": time, if there is one
    "spatial"          all except batch and feature           "spatial:i" the i-th of them
    "spatial_except_time"
    "dyn" "dynamic"    axes with a length per sequence        "dyn:i"
    "static"           axes of static size                    "static:i"
    "dim:N"            axes of size N                         "dim:N,i"
    "except_time"      all except batch and time              "except_batch"        "*" all
    "stag:NAME"        the only axis except batch and feature with NAME in its name, see `Axis.tag`
    "stag-single:i:NAME"  the i-th of those                   "tag:NAME" the only axis with NAME in its name
    a `Dim`            see `boulder.network.dims`
    an int             position in the template; negative from the end
    a list             all axes that its entries describe

Descriptions do not see the axes of a loop around the layer and of the hypotheses of a search.
"""

from __future__ import annotations

from collections.abc import Sequence

from boulder.network.axes import BATCH, BEAM, FEATURE, LOOP, Axis
from boulder.network.dims import NetDim, fitting
from boulder.network.site import Site
from boulder.network.template import Template


def find_axis(template: Template, description: object, site: Site) -> Axis:
    """:raises NetworkError: if the description does not match exactly one axis"""
    found = find_axes(template, description, site)
    if len(found) != 1:
        what = f"{len(found)} axes, {', '.join(map(str, found))}," if found else "no axis"
        raise site.fail(f"axis {description!r} describes {what} of {template}, expected one")
    return found[0]


def find_axes(template: Template, description: object, site: Site) -> tuple[Axis, ...]:
    """
    :return: distinct axes; empty only if the description allows that, as "T?" does
    :raises NetworkError: if the description is invalid or matches no axis
    """
    axes = [axis for axis in template.axes if axis.kind not in (LOOP, BEAM)]
    if isinstance(description, list | tuple | set | frozenset):
        entries = sorted(description, key=str) if isinstance(description, set | frozenset) else description
        return tuple(dict.fromkeys(axis for entry in entries for axis in find_axes(template, entry, site)))
    if isinstance(description, int) and not isinstance(description, bool):
        return (_numbered(axes, description, description, template, site),)
    if isinstance(description, NetDim):
        return _of_dim(axes, description, template, site)
    if not isinstance(description, str):
        raise site.fail(f"the description of an axis must be a string or an int, found {description!r:.80}")
    return _of_text(axes, description.lower(), description, template, site)


def _of_text(axes: list[Axis], text: str, description: str, template: Template, site: Site) -> tuple[Axis, ...]:
    time = template.time
    groups = {
        "batch": [axis for axis in axes if axis.kind == BATCH],
        "time": [time] if time else [],
        "feature": [axis for axis in axes if axis.kind == FEATURE],
        "spatial": [axis for axis in axes if axis.kind not in (BATCH, FEATURE)],
        "spatial_except_time": [axis for axis in axes if axis.kind not in (BATCH, FEATURE) and axis != time],
        "dynamic": [axis for axis in axes if axis.has_lengths and axis.size is None],
        "static": [axis for axis in axes if axis.size is not None],
        "except_time": [axis for axis in axes if axis.kind != BATCH and axis != time],
        "except_batch": [axis for axis in axes if axis.kind != BATCH],
        "*": axes,
    }
    letters = {"b": "batch", "t": "time", "f": "feature"}
    text = {"dyn": "dynamic", "non_spatial": "feature"}.get(text, text)
    if text == "t?":
        return tuple(groups["time"])
    if text in groups:
        if not groups[text] and text in letters.values():
            raise site.fail(f"axis {description!r}: there is no such axis in {template}")
        return tuple(groups[text])
    if text and set(text) <= set(letters):
        return tuple(axis for letter in text for axis in _of_text(axes, letters[letter], description, template, site))
    kind, colon, number = text.partition(":")
    kind = {"d": "dynamic", "dyn": "dynamic", "s": "spatial"}.get(kind, kind)
    if colon and kind == "dim":
        return _of_size(axes, number, description, template, site)
    if colon and kind in ("tag", "stag", "stag-single"):
        return _of_tag(axes if kind == "tag" else groups["spatial"], kind, number, description, template, site)
    if colon and kind in groups and number.lstrip("-").isdigit():
        return (_numbered(groups[kind], int(number), description, template, site),)
    raise site.fail(
        f"axis {description!r} is not a valid description; expected 'B', 'T', 'F', 'spatial', 'spatial:0', 'dyn', 'static:-1', "
        f"'dim:N', 'except_time', 'stag:NAME' or an int, for {template}"
    )


def _of_size(axes: list[Axis], text: str, description: str, template: Template, site: Site) -> tuple[Axis, ...]:
    size, comma, number = text.partition(",")
    if not size.isdigit() or (comma and not number.lstrip("-").isdigit()):
        raise site.fail(f"axis {description!r} needs a size, as in 'dim:5'")
    found = [axis for axis in axes if axis.size == int(size)]
    if not found:
        raise site.fail(f"axis {description!r}: there is no axis of that size in {template}")
    return (_numbered(found, int(number), description, template, site),) if comma else tuple(found)


def _of_tag(
    axes: list[Axis], kind: str, name: str, description: str, template: Template, site: Site
) -> tuple[Axis, ...]:
    """:param name: a part of the name of an axis; of "stag-single", after its number and a colon"""
    number, colon, rest = name.partition(":") if kind == "stag-single" else ("", "", name)
    if kind == "stag-single" and (not colon or not number.lstrip("-").isdigit()):
        raise site.fail(f"axis {description!r} needs a number and a name, as in 'stag-single:0:data'")
    found = [axis for axis in axes if rest in axis.tag.lower()]
    if colon and found:
        return (_numbered(found, int(number), description, template, site),)
    if len(found) != 1:
        names = ", ".join(repr(axis.tag) for axis in axes)
        raise site.fail(f"axis {description!r} fits {len(found)} axes of {template}, whose names are {names or 'none'}")
    return tuple(found)


def _of_dim(axes: list[Axis], dim: NetDim, template: Template, site: Site) -> tuple[Axis, ...]:
    found = fitting(dim, axes)
    if len(found) == 1:
        return tuple(found)
    if not found and dim.axis is None:
        raise site.fail(f"no layer before it and no data stream defines {dim}, found {template}")
    raise site.fail(f"axis {dim} fits {len(found)} axes of {template}, expected one")


def _numbered(axes: Sequence[Axis], number: int, description: object, template: Template, site: Site) -> Axis:
    if not -len(axes) <= number < len(axes):
        raise site.fail(f"axis {description!r}: there are only {len(axes)} such axes in {template}")
    return axes[number]


def check_time(description: object, template: Template, site: Site) -> None:
    """
    Checks the option `axis` of a layer that works along the time axis of its input, or on the frame of a loop.

    :param description: None: either
    :raises NetworkError: if it is another axis
    """
    if description is None:
        return
    if isinstance(description, NetDim) and description.is_single_step:
        if site.loop is None or template.time is not None:
            raise site.fail(f"'axis' is {description}, which needs a loop and an input without time, found {template}")
    elif find_axis(template, description, site) != template.time:
        raise site.fail(f"'axis' must be the time axis of {template}, found {description!r}")
