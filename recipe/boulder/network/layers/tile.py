"""`tile`: the entries along an axis, several times one after the other; `tile_features`: likewise the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import BATCH, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class _Tiled(ConcatLayer):
    def times(self) -> Mapping[object, object]:
        """:return: description of an axis → number of times"""
        raise NotImplementedError

    def spec(self, site: Site) -> Template:
        template = site.input()
        for axis, times in self._tiled(template, site).items():
            template = template.with_axis_replaced(axis, resized(axis, axis.known_size * times, template))
        return template

    def _tiled(self, template: Template, site: Site) -> dict[Axis, int]:
        found = {}
        for name, times in self.times().items():
            axis = find_axis(template, name, site)
            if not isinstance(times, int) or isinstance(times, bool) or times < 1:
                raise site.fail(f"the number of times must be at least 1, found {times!r} for axis {name!r}")
            if times > 1 and (axis.kind == BATCH or axis.size is None):
                raise site.fail(f"only an axis of known size can be tiled, but {name!r} is {axis} of {template}")
            if times > 1:
                found[axis] = times
        return found

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        times = self._tiled(x.template, self.site(run))
        new = dict(zip(x.template.axes, run.template.axes, strict=True))
        value = tf.tile(x.value, [times.get(axis, 1) for axis in x.axes]) if times else x.value
        return x.made(value, [new[axis] for axis in x.axes], run.template)


@layer_class("tile")
@dataclass(frozen=True, kw_only=True)
class Tile(_Tiled):
    """The input, tiled along static axes. RETURNN: TileLayer.

    :param multiples: axis, see `boulder.network.axis_names` → number of times
    :param out_dims: the same axis → its `Dim` afterwards
    """

    multiples: dict
    out_dims: dict | None = None

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        template = site.input()
        given = [(find_axis(template, axis, site), dim) for axis, dim in (self.out_dims or {}).items()]
        return [
            *super().named_axes(site, output),
            *((dim, output.axes[template.axes.index(axis)]) for axis, dim in given),
        ]

    def times(self) -> Mapping[object, object]:
        return self.multiples


@layer_class("tile_features")
@dataclass(frozen=True, kw_only=True)
class TileFeatures(_Tiled):
    """The features, `repetitions` times one after the other. RETURNN: TileFeaturesLayer, which fails today.

    :param repetitions: number of times
    """

    repetitions: int = 1

    def times(self) -> Mapping[object, object]:
        return {"F": self.repetitions}
