"""Another order of axes, as the option `perm` of `transpose` gives it."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.network.axes import Axis
from boulder.network.axis_names import find_axis
from boulder.network.site import Site
from boulder.network.template import Template


def in_order(
    own: Sequence[Axis], perm: dict | Sequence[object], template: Template, site: Site, option: str = "perm"
) -> list[Axis]:
    """
    :param own: axes of `template` to be ordered
    :param perm: axis of the result, or its number → axis of `template`; other axes fill the other places in their order.
        Or a list of all axes
    :return: `own` in that order
    :raises NetworkError: for a wrong `perm`, the value of `option`
    """
    given = perm if isinstance(perm, dict) else dict(enumerate(perm))
    if not isinstance(perm, dict) and len(given) != len(own):
        raise site.fail(
            f"{option!r} must have one entry for each of the {len(own)} axes of {template}, found {len(given)}"
        )
    places = [own.index(find_axis(template, place, site)) for place in given]
    chosen = [find_axis(template, axis, site) for axis in given.values()]
    if len(set(places)) < len(places) or len(set(chosen)) < len(chosen):
        raise site.fail(f"{option!r} must name each axis of {template} once, found {perm!r}")
    at = dict(zip(places, chosen, strict=True))
    rest = iter(axis for axis in own if axis not in chosen)
    return [at[place] if place in at else next(rest) for place in range(len(own))]
