"""The base class of layers whose sources are concatenated along the feature axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from boulder.network import dropout_noise
from boulder.network.dims import with_in_dim
from boulder.network.input_dropout import InputDropout
from boulder.network.layer import Layer
from boulder.network.site import Site
from boulder.network.template import Template


@dataclass(frozen=True, kw_only=True)
class ConcatLayer(Layer):
    """A layer whose sources are concatenated along the feature axis.

    :param dropout: probability with which an entry of the input is dropped in training
    :param dropout_axis: axes along which entries are dropped independently, see `boulder.network.axis_names`; along the others,
        all or none are
    :param dropout_noise_shape: the same for each axis ("B", "T", "F", "*" for all others): 1 to share the mask along it, None for
        independent entries. As in RETURNN, the default is 1 for all axes but the features: a feature is dropped in all frames of
        all sequences or in none. {"*": None} drops entries independently
    :param dropout_on_forward: drop entries outside of training too
    :param mask: "dropout" needs a `dropout`, "unity" none; otherwise without effect
    """

    some_sources_suffice = True
    rates: ClassVar[Mapping[str, str]] = {"dropout": "input"}

    dropout: float = 0.0
    dropout_axis: object = None
    dropout_noise_shape: dict | None = None
    dropout_on_forward: bool = False
    mask: Literal["dropout", "unity"] | None = None

    def input_dropout(self, name: str) -> InputDropout:
        """:param name: absolute name of the layer"""
        site = Site(name, self, [])
        shared = partial(dropout_noise.shared_axes, self.dropout_noise_shape, self.dropout_axis, site=site)
        shares_frames = dropout_noise.shares_frames(self.dropout_noise_shape)
        return InputDropout(self.dropout, shared, shares_frames, self.dropout_on_forward)

    def check_in_dim(self, site: Site) -> None:
        """`checked_input` reads it."""

    def checked_input(self, site: Site, template: Template) -> Template:
        if self.in_dim:
            template = with_in_dim(template, self.in_dim, site.where)
        if self.mask in ("dropout", "unity") and (self.mask == "dropout") != (self.dropout > 0):
            raise site.fail(
                f"'mask': {self.mask!r} contradicts 'dropout': {self.dropout}; remove 'mask', which has no effect"
            )
        if self.dropout or self.dropout_noise_shape:
            dropout_noise.shared_axes(self.dropout_noise_shape, self.dropout_axis, template, site)
        if self.dropout:
            site.check_rate("dropout", self.dropout)
            if not template.dtype.startswith("float"):
                raise site.fail(f"dropout needs float values, but its input is {template}")
        return template
