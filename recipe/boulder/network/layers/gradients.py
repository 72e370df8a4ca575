"""`scaled_grad`: the input, whose gradient is changed on its way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis
from boulder.network.axis_names import find_axis
from boulder.network.extra_deps import ExtraDeps
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.taking import without_padding
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("scaled_grad")
@dataclass(frozen=True, kw_only=True)
class ScaledGrad(ExtraDeps, FurtherSources):
    """The input. On its way back, its gradient g becomes scale · g + shift · Σ|g|. RETURNN: ScaledGradientLayer.

    :param scale: a number or a layer; 0 without `shift` stops the gradient
    :param shift: a number or a layer; None: 0
    :param scale_shift_by_sum_over_axis: axis of the sum, see `boulder.network.axis_names`; None: no sum, but 1
    :param clip_max_axis: axis along which the result is clipped to the largest |g|; None: it is not clipped
    """

    further: ClassVar[tuple[str, ...]] = ("scale", "shift")
    scale: float | str
    shift: float | str | None = None
    scale_shift_by_sum_over_axis: object = None
    clip_max_axis: object = None

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        if not template.dtype.startswith("float"):
            raise site.fail(f"needs float values, which have a gradient, but its input is {template}")
        for option, (name, factor) in self.divided(site.sources)[1].items():
            if not set(factor.axes) <= set(template.axes) or factor.dtype != template.dtype:
                raise site.fail(f"{option!r} must have axes of its input {template}, but {name!r} is {factor}")
        self._axes(template, site)
        return template

    def _axes(self, template: Template, site: Site) -> tuple[Axis | None, Axis | None]:
        summed, clipped = (
            None if name is None else find_axis(template, name, site)
            for name in (self.scale_shift_by_sum_over_axis, self.clip_max_axis)
        )
        if template.batch in (summed, clipped):
            raise site.fail("the gradient of a sequence must not depend on the others, found the batch axis")
        return summed, clipped

    def widening(self, w: Widening) -> None:
        passes(w)
        w.multiplied_with(w.divided()[0])
        for source in w.divided()[1].values():
            w.tie_axes(source)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        summed, clipped = self._axes(x.template, self.site(run))
        scale, shift = (
            named[option].ordered(x.axes) if option in named else getattr(self, option) for option in ("scale", "shift")
        )

        def changed(gradient: TFTensor) -> TFTensor:
            result = gradient * scale
            if shift is not None:
                size = 1.0 if summed is None else _over(tf.reduce_sum, gradient, x, summed)
                moved = Tensor(tf.broadcast_to(shift * size, tf.shape(gradient)), x.axes, x.template)
                result += without_padding(run, moved).value
            if clipped is not None:
                most = _over(tf.reduce_max, gradient, x, clipped)
                result = tf.clip_by_value(result, -most, most)
            return result

        return x.mapped(lambda value: _with_gradient(value, changed))


def _over(function: Callable[..., TFTensor], gradient: TFTensor, x: Tensor, axis: Axis) -> TFTensor:
    return function(tf.abs(gradient), axis=x.axes.index(axis), keepdims=True)


def _with_gradient(value: TFTensor, changed: Callable[[TFTensor], TFTensor]) -> TFTensor:
    @tf.custom_gradient
    def identity(value: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        return tf.identity(value), changed

    return identity(value)
