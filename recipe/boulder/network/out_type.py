"""`out_type`: what the result of a function in a net dict is, where it differs from the broadcast of the function's sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy

from boulder.errors import BoulderError, nearest
from boulder.network.axes import FEATURE, OUTER, TIME, Axis, Batch, Feature, StaticTime
from boulder.network.code.data import SourceData
from boulder.network.roles import unused, with_feature_at, with_time_at, with_time_first
from boulder.network.site import Site
from boulder.network.template import DTYPES, Template
from boulder.network.tensor import Tensor

OPTIONS = ("dim", "shape", "dtype", "sparse", "batch_dim_axis", "time_dim_axis", "feature_dim_axis")
HINTS = ("name", "available_for_inference", "auto_create_placeholders", "vocab")
"""Keys of RETURNN's `Data` without effect on a result."""
EMPTY = ("size_placeholder", "beam", "batch", "placeholder")
"""Keys that may only be empty: the lengths along an axis are those of the sources or of `size_target`."""


@dataclass(frozen=True)
class OutType:
    """
    :param template: of the output
    :param order: axes of the function's result in their order, where `out_type` gives one; the batch stands for all axes of
        kinds `OUTER`. None: the axes of the sources
    """

    template: Template
    order: tuple[Axis, ...] | None = None


def read_out_type(
    given: dict | Callable | None, n_out: int | None, sources: Template, site: Site, size_target: Axis | None = None
) -> OutType:
    """
    :param given: the option: a dict with the arguments of RETURNN's `Data`, or a function that returns a `Data`
    :param n_out: the option `n_out`
    :param sources: the broadcast of the sources
    :param size_target: time axis of the option `size_target`
    :raises NetworkError: for a wrong option; names `out_type`
    """
    found = _called(given, n_out, sources, site) if callable(given) else given
    if isinstance(found, SourceData):
        return _of_data(found, sources, site)
    options = _read(found, n_out, sources, site)
    return _Reading(options, n_out, sources, site, size_target).result()


def check_out_type(given: dict | Callable, output: Template, site: Site) -> None:
    """
    Checks the output of a layer that computes it without `out_type`.

    :param given: see `read_out_type`
    :raises NetworkError: for a wrong option, or one that contradicts the output
    """
    found = _called(given, site.layer.n_out, output, site) if callable(given) else given
    if isinstance(found, SourceData):
        found = {"dim": found.dim, "dtype": found.dtype, "sparse": found.sparse}
    options = _read(found, None, output, site)
    own = [axis.size for axis in output.axes if axis.kind not in OUTER]
    actual: dict[str, Any] = {
        "dim": output.dim,
        "dtype": output.dtype,
        "sparse": output.sparse_dim is not None,
        "shape": own,
    }
    for option, value in actual.items():
        wanted = options.get(option)
        same = wanted == value if option != "shape" else sorted(wanted or (), key=str) == sorted(own, key=str)
        if option in options and wanted is not None and not same:
            raise site.fail(f"{option!r} in 'out_type' is {wanted!r}, but its output is {output}")


def _read(found: dict | None, n_out: int | None, sources: Template, site: Site) -> dict[str, Any]:
    """:return: the options, whose names and values are checked"""
    options = dict(found or {})
    for option in options:
        if option not in (*OPTIONS, *HINTS, *EMPTY):
            known = ", ".join(map(repr, OPTIONS))
            raise site.fail(f"'out_type' takes the keys {known}, found {option!r}{nearest(option, OPTIONS)}")
        if option in EMPTY and options[option]:
            raise site.fail(f"{option!r} in 'out_type' must be empty, found {options[option]!r:.60}")
    _check_values(options, n_out, sources, site)
    return options


def _check_values(options: Mapping[str, Any], n_out: int | None, sources: Template, site: Site) -> None:
    sparse, shape, dtype = options.get("sparse", False), options.get("shape"), options.get("dtype", sources.dtype)
    if not isinstance(sparse, bool):
        raise site.fail(f"'sparse' in 'out_type' must be True or False, found {sparse!r}")
    if shape is not None and not isinstance(shape, tuple | list):
        raise site.fail(f"'shape' in 'out_type' must be a tuple such as (None, 5), found {shape!r}")
    for size in shape or ():
        if size is not None and (isinstance(size, bool) or not isinstance(size, int | numpy.integer) or size < 1):
            raise site.fail(f"'shape' in 'out_type' must hold ints of at least 1 and None, found {shape!r}")
    dim = options.get("dim", n_out)
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int | numpy.integer) or dim < 1):
        raise site.fail(f"'dim' in 'out_type' must be an int of at least 1, found {dim!r}")
    if dtype not in DTYPES:
        raise site.fail(f"'dtype' in 'out_type' must be one of {', '.join(DTYPES)}, found {dtype!r}")
    for option in ("batch_dim_axis", "time_dim_axis", "feature_dim_axis"):
        position = options.get(option)
        if position is not None and (isinstance(position, bool) or not isinstance(position, int) or position < 0):
            raise site.fail(f"{option!r} in 'out_type' must be a position from 0 or None, found {position!r}")


@dataclass(frozen=True)
class _Reading:
    options: Mapping[str, Any]
    n_out: int | None
    sources: Template
    site: Site
    size_target: Axis | None

    def result(self) -> OutType:
        dtype = self.options.get("dtype", self.sources.dtype)
        shape = self.options.get("shape")
        if shape is None and not self.site.sources:
            raise self.site.fail("without a source in 'from', 'out_type' needs a 'shape', such as ()")
        found = self._of_sources() if shape is None else self._of_shape([n if n is None else int(n) for n in shape])
        return replace(found, template=replace(found.template, dtype=dtype))

    @property
    def _sparse(self) -> bool:
        return bool(self.options.get("sparse", self.sources.sparse_dim is not None))

    def _outer(self) -> list[Axis]:
        return [axis for axis in self.sources.axes if axis.kind in OUTER]

    # Without `shape`: the axes of the sources

    def _of_sources(self) -> OutType:
        template, dim = self.sources, self.options.get("dim", self.n_out)
        dim = template.dim if dim is None else int(dim)
        if self._sparse:
            template = Template(tuple(axis for axis in template.axes if axis.kind != FEATURE), sparse_dim=dim)
        elif dim is not None:
            named = template.feature if template.feature and template.feature.size == dim else None
            template = template.with_feature(dim)
            template = replace(template, axes=(*template.axes[:-1], named or template.axes[-1]))
        if not {"batch_dim_axis", "time_dim_axis", "feature_dim_axis"} & self.options.keys():
            return OutType(template)
        inner = [axis for axis in template.axes if axis.kind not in OUTER]
        order = self._with_batch(inner, self.options.get("batch_dim_axis", 0 if template.batch else None))
        roles = {option: self._at(order, option) for option in ("time_dim_axis", "feature_dim_axis")}
        time, feature = roles["time_dim_axis"], roles["feature_dim_axis"]
        if time and time.kind == TIME:
            template = with_time_first(template, time)
        elif time:
            template = with_time_at(template, time)
        if "feature_dim_axis" in self.options and not self._sparse and feature != template.feature:
            template = with_feature_at(template, feature)
        names = dict(zip(inner, [axis for axis in template.axes if axis.kind not in OUTER], strict=True))
        if "batch_dim_axis" not in self.options or (time and time.kind == TIME and time != self.sources.time):
            return OutType(template)
        return OutType(template, tuple(names.get(axis, axis) for axis in order))

    def _at(self, order: list[Axis], option: str) -> Axis | None:
        position = self.options.get(option)
        if position is None:
            return None
        if position >= len(order) or order[position] == Batch:
            axes = ", ".join(map(str, order))
            raise self.site.fail(f"{option!r} in 'out_type' is {position}, which is no such axis of [{axes}]")
        return order[position]

    def _with_batch(self, inner: list[Axis], position: int | None) -> list[Axis]:
        if position is None:
            return inner
        if position > len(inner):
            raise self.site.fail(
                f"'batch_dim_axis' in 'out_type' is {position}, but there are only {len(inner)} other axes"
            )
        return [*inner[:position], Batch, *inner[position:]]

    # With `shape`

    def _of_shape(self, shape: list[int | None]) -> OutType:
        outer = self._outer()
        batch = self.options.get("batch_dim_axis", 0 if self.sources.batch or not self.site.sources else None)
        if batch is None and self.sources.batch and len(outer) > 1:
            raise self.site.fail(
                "'batch_dim_axis' in 'out_type' is None, which is not possible for all frames or hypotheses of a loop at once"
            )
        if batch is None and self.sources.batch:
            outer = []
        elif batch is not None and not outer:
            outer = [Batch]
        places = [i for i in range(len(shape) + (batch is not None)) if i != batch]  # of the entries of the shape
        time, feature = self._roles(shape, places)
        inner: list[Axis] = []
        own = [axis for axis in self.sources.axes if axis.kind not in OUTER]
        dynamic = self._dynamic(shape, own)
        for size, place in zip(shape, places, strict=True):
            axis = self._named(size, place == time, place == feature, own, inner) if size else dynamic.pop(0)
            inner.append(axis)
        template = self._template(inner, outer, batch)
        if time is not None and (axis := inner[places.index(time)]).kind == TIME:
            template = with_time_first(template, axis)
        return OutType(template, tuple(self._with_batch(inner, batch)))

    def _template(self, inner: list[Axis], outer: list[Axis], batch: int | None) -> Template:
        at, dim = batch or 0, self.options.get("dim")
        axes = (*inner[:at], *outer, *inner[at:])
        if self._sparse:
            dim = self.n_out if dim is None else dim
            return Template(axes, sparse_dim=self.sources.dim if dim is None else int(dim))
        template = Template(axes)
        if dim is not None and dim != template.dim:
            shape = tuple(self.options["shape"])
            raise self.site.fail(f"'dim' in 'out_type' is {dim}, but its 'shape' is {shape}, with the features last")
        return template

    def _roles(self, shape: list[int | None], places: list[int]) -> tuple[int | None, int | None]:
        """:return: positions of time and feature, as RETURNN's `Data` defines them"""
        dynamic = [place for place, size in zip(places, shape, strict=True) if size is None]
        time = self.options.get("time_dim_axis", dynamic[0] if dynamic else None)
        static = [place for place, size in zip(places, shape, strict=True) if size and place != time]
        feature = None if self._sparse else self.options.get("feature_dim_axis", static[-1] if static else None)
        for option, place in (("time_dim_axis", time), ("feature_dim_axis", feature)):
            if place is not None and place not in places:
                raise self.site.fail(
                    f"{option!r} in 'out_type' is {place}, which is no axis of the 'shape' {tuple(shape)}"
                )
        return time, feature

    def _named(self, size: int, is_time: bool, is_feature: bool, own: list[Axis], taken: list[Axis]) -> Axis:
        """:return: a static axis: that of the sources, if they have one of this size"""
        if is_feature:
            return Feature(size)
        if is_time:
            return StaticTime(size)
        same = (axis for axis in own if axis.size == size and axis.kind != FEATURE and axis not in taken)
        return next(same, unused(size, [*own, *taken]))

    def _dynamic(self, shape: list[int | None], own: list[Axis]) -> list[Axis]:
        """:return: an axis for each None of the shape"""
        known = [axis for axis in own if axis.kind == TIME and axis.size is None]
        known = list(dict.fromkeys([*([self.size_target] if self.size_target else []), *known]))
        count = sum(size is None for size in shape)
        if count > len(known):
            found = ", ".join(map(str, known)) or "none"
            raise self.site.fail(
                f"'shape' in 'out_type' is {tuple(shape)}, with {count} axes of unknown size, but the sources have {found}; "
                "'size_target' can name a data stream with another one"
            )
        return known


# Functions


class _PlannedSource:
    """A source, for a function that gives the `out_type`."""

    def __init__(self, name: str, output: SourceData) -> None:
        self.name, self.output = name, output


def _called(function: Callable, n_out: int | None, sources: Template, site: Site) -> Any:
    layer: Any = site.layer
    arguments = {
        "name": site.name, "sources": [_PlannedSource(name, planned(name, t)) for name, t in site.sources], "network": None,
        "n_out": n_out, "target": layer.target, "size_target": layer.size_target, "loss": None, "out_type": None,
        **(getattr(layer, "eval_locals", None) or {}),
    }  # fmt: skip
    try:
        result = function(**arguments)
    except BoulderError as error:
        raise site.fail(f"'out_type' failed: {error}") from None
    except Exception as error:
        raise site.fail(f"'out_type' failed with {type(error).__name__}: {error}") from None
    if isinstance(result, dict | SourceData):
        return result
    if not hasattr(result, "shape") or not hasattr(result, "dtype"):
        raise site.fail(f"'out_type' must return a Data or a dict, found {result!r:.60}")
    options = {option: getattr(result, option) for option in OPTIONS if hasattr(result, option)}
    return options if options.get("sparse") or options.get("dim") is not None else options | {"dim": None}


def planned(name: str, template: Template) -> SourceData:
    """:return: a source as code in net dicts sees it while planning, without a value"""
    axes = tuple(axis for axis in template.axes if axis == Batch or axis.kind not in OUTER)
    return SourceData(name, Tensor(None, axes, replace(template, axes=axes)))


def _of_data(data: SourceData, sources: Template, site: Site) -> OutType:
    """:return: what a function has returned, with the axes of loops and hypotheses of the sources"""
    outer = [axis for axis in sources.axes if axis.kind in OUTER]
    inner = [axis for axis in data.axes if axis != Batch]
    if Batch not in data.axes and sources.batch:
        if len(outer) > 1:
            raise site.fail("'out_type' has no batch axis, which is not possible for all frames or hypotheses at once")
        outer = []
    at = data.axes.index(Batch) if Batch in data.axes else 0
    template = Template((*inner[:at], *outer, *inner[at:]), data.dtype, data.dim if data.sparse else None)
    return OutType(template if data.time is None else with_time_first(template, data.time), data.axes)
