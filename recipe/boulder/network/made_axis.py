"""The option `out_spatial_dim` of layers that make an axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boulder.network.axes import Axis
from boulder.network.dims import NetDim
from boulder.network.layer import Layer
from boulder.network.site import Site
from boulder.network.template import Template


@dataclass(frozen=True, kw_only=True)
class MakesAxis(Layer):
    """
    :param out_spatial_dim: `Dim` of the axis that the layer makes
    """

    out_spatial_dim: NetDim | None = None

    def named_axes(self, site: Site, output: Template) -> Iterable[tuple[NetDim, Axis | None]]:
        own = super().named_axes(site, output)
        return own if self.out_spatial_dim is None else [*own, (self.out_spatial_dim, self.made_axis(site, output))]
