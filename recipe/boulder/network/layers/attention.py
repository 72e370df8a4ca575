"""The two steps of attention: `softmax_over_spatial` turns energies into weights, `generic_attention` takes the weighted sum.

α_t = exp(e_t) / Σ_s exp(e_s)        c = Σ_t α_t h_t        Bahdanau, Cho & Bengio 2015
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, FEATURE, OUTER, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.contraction import Contraction
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.masked_softmax import masked_softmax
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import contracts, keeps_axis


@layer_class("softmax_over_spatial")
@dataclass(frozen=True, kw_only=True)
class SoftmaxOverSpatial(FurtherSources):
    """Softmax over the frames of each sequence, with the axis moved to the end: [..., T]. RETURNN: SoftmaxOverSpatialLayer.

    Padding and frames outside the window have weight 0. If a sequence has no frame in the window, all its weights are 0,
    where RETURNN gives NaN.

    :param axis: axis of the softmax, see `boulder.network.axis_names`; default: the time axis
    :param energy_factor: multiplies the energies, e.g. 1/sqrt(dimension of the keys)
    :param use_time_mask: whether to mask the padding; None: if the axis is dynamic
    :param start: layer with the first frame of the window, one number per sequence; may depend on the previous weights
    :param window_start: the same as a number or a layer, together with `window_size`: frames t with
        window_start ≤ t < window_start + window_size. Floats are not rounded; today's RETURNN takes ints only
    :param window_size: number of frames in the window, as a number or a layer
    :param log_space: return the logarithm of the weights
    """

    further: ClassVar = ("start", "window_start", "window_size")

    axis: object = None
    energy_factor: float | None = None
    use_time_mask: bool | None = None
    start: str | None = None
    window_start: str | float | None = None
    window_size: str | float | None = None
    log_space: bool = False

    def guess(self, site: Site) -> Template | None:
        own, known = site.expected[: len(ConcatLayer.source_names(self))], dict(site.sources)
        if not all(name in known for name in own):
            return None
        template = replace(site, sources=[(name, known[name]) for name in own]).input()
        return self._moved(template, self._axis(template, site))

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        if not template.dtype.startswith("float"):
            raise site.fail(f"needs float values, but its input is {template}")
        axis = self._axis(template, site)
        if (self.window_start is None) != (self.window_size is None):
            raise site.fail("'window_start' and 'window_size' must be given together")
        windowed = self.start is not None or self.window_start is not None
        if (self.use_time_mask and axis.kind not in DYNAMIC) or (windowed and not self._masks(axis)):
            raise site.fail(f"a mask or a window needs an axis with padding and 'use_time_mask', found {axis}")
        _, further = self.divided(site.sources)
        outer: list[Axis] = []
        for option, (name, start) in further.items():
            lacking = [a for a in start.axes if a not in template.axes]
            is_number = start.dtype.startswith(("int", "float"))
            if not is_number or axis in start.axes or any(a.kind not in OUTER and a.size != 1 for a in lacking):
                raise site.fail(f"{option!r} must have one number per sequence of {template}, but {name!r} is {start}")
            outer += [a for a in lacking if a not in outer and a.kind in OUTER]
        return self._moved(template, axis, outer)

    @staticmethod
    def _moved(template: Template, axis: Axis, outer: Sequence[Axis] = ()) -> Template:
        return Template((*outer, *(a for a in template.axes if a != axis), axis), template.dtype)

    def _axis(self, template: Template, site: Site) -> Axis:
        if self.axis is not None:
            return find_axis(template, self.axis, site)
        if template.time is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        return template.time

    def _masks(self, axis: Axis) -> bool:
        return axis.kind in DYNAMIC if self.use_time_mask is None else self.use_time_mask

    def widening(self, w: Widening) -> None:
        own, further = w.divided()
        x = w.input(own)
        keeps_axis(w, x, self._axis(x.new, w.site(sources=own)), "is a softmax over this axis")
        w.tie_axes(x)
        for source in further.values():
            for term in source.units:
                w.keep(term, f"reads its window from {source.key!r}")
        old, new = (layer.energy_factor or 1.0 for layer in (w.old_layer, self))
        if old != new:
            w.multiply(own, None, old / new, f"multiplies its energies by {new}, not by {old} as before")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, further = self.divided(sources)
        x, axes = run.input(own), run.template.axes
        energy = x.ordered(axes) * (self.energy_factor or 1.0)
        mask = run.mask_over(axes, axes[-1]) if self._masks(axes[-1]) else None
        if mask is not None:
            frame = tf.range(tf.shape(energy)[-1], dtype=tf.float32)  # exact below 2²⁴

            def given(option: str) -> TFTensor:
                if option not in further:
                    return float(getattr(self, option))
                return tf.cast(_without_ones(further[option], axes).ordered(axes), tf.float32)

            if self.start is not None:
                mask &= frame >= given("start")
            if self.window_start is not None:
                begin = given("window_start")
                mask &= (frame >= begin) & (frame < begin + given("window_size"))
        return x.made(masked_softmax(energy, mask, self.log_space), axes, run.template)


def _without_ones(x: Tensor, axes: Sequence[Axis]) -> Tensor:
    """:return: `x` without its axes of size 1 that are not among `axes`"""
    removed = [axis for axis in x.axes if axis not in axes]
    value = tf.squeeze(x.value, [x.axes.index(axis) for axis in removed]) if removed else x.value
    return x.made(value, [axis for axis in x.axes if axis not in removed], x.template)


@layer_class("generic_attention")
@dataclass(frozen=True, kw_only=True)
class GenericAttention(Layer):
    """Weighted sum of the frames of `base`. RETURNN: GenericAttentionLayer.

    The weights must have all static axes of the base, such as heads. Static axes of the weights that the base lacks
    are kept: weights with 4 heads give 4 sums.

    :param base: layer with a time axis and a feature axis
    :param weights: layer with the same time axis
    :param auto_squeeze: drop axes of size 1 that only the weights have
    :param dropout: has no effect, as in RETURNN: there is no `from`
    :param dropout_axis: has no effect
    :param dropout_noise_shape: has no effect
    :param dropout_on_forward: has no effect
    :param mask: has no effect
    """

    sources: str | list[str] = field(default_factory=list)
    base: str
    weights: str
    auto_squeeze: bool = True
    dropout: float = 0.0
    dropout_axis: object = None
    dropout_noise_shape: dict | None = None
    dropout_on_forward: bool = False
    mask: Literal["dropout", "unity"] | None = None

    def source_names(self) -> tuple[str, ...]:
        return (self.base, self.weights)

    def spec(self, site: Site) -> Template:
        if super().source_names():
            raise site.fail(f"takes its sources from 'base' and 'weights', but 'from' is {self.sources!r}")
        (_, base), (_, weights) = site.sources
        if (
            base.time is None
            or base.feature is None
            or base.dtype != weights.dtype
            or not base.dtype.startswith("float")
        ):
            raise site.fail_sources("needs a base with a time axis and a feature axis, and weights of its float type")
        contraction, _ = self._contraction(base, weights, site)
        with site.naming_sources():
            return Template(contraction.axes, base.dtype)

    def widening(self, w: Widening) -> None:
        base, weights = w.sources
        w.check_read(w.sources)
        old = None
        if base.old and weights.old:
            old, _ = w.old_layer._contraction(base.old, weights.old, w.site(old=True))
        contracts(w, weights, base, old, self._contraction(base.new, weights.new, w.site())[0])

    def compute(self, run: LayerRun, base: Tensor, weights: Tensor) -> Tensor:
        site = self.site(run, base, weights)
        contraction, squeezed = self._contraction(base.template, weights.template, site)
        time = base.template.required(TIME)
        if time not in contraction.reduced:
            message = f"layer {run.name!r} (generic_attention): 'base' and 'weights' have different numbers of frames"
            tf.debugging.assert_equal(run.length(time), run.length(contraction.reduced[0]), message)
        axes = [axis for axis in weights.axes if axis not in squeezed]
        value = weights.ordered([*squeezed, *axes])
        for _ in squeezed:
            value = value[0]
        weights = weights.made(value, axes, weights.template)
        return contraction.compute(run, weights, base, run.template)

    def _contraction(self, base: Template, weights: Template, site: Site) -> tuple[Contraction, list[Axis]]:
        """:return: the contraction of the squeezed weights (a) with the base (b), and the squeezed axes"""
        time, base_time = self._time(base, weights, site), base.required(TIME)
        same = {axis: axis for axis in base.axes if axis.kind in OUTER and axis in weights.axes} | {base_time: time}
        base_rest = [axis for axis in base.axes if axis.kind not in (*OUTER, FEATURE) and axis != base_time]
        squeezed = []
        for axis in reversed([axis for axis in weights.axes if axis.kind not in OUTER and axis != time]):
            if base_rest and (axis == base_rest[-1] or (axis.kind not in DYNAMIC and axis.size == base_rest[-1].size)):
                same[base_rest.pop()] = axis
            elif self.auto_squeeze and axis.size == 1:
                squeezed.append(axis)
        if base_rest:
            raise site.fail_sources(f"the weights lack axis {base_rest[-1]} of the base")
        kept = [("b", axis) for axis in base.axes if axis.kind in OUTER and axis not in same]
        kept += [("a", axis) for axis in weights.axes if axis not in (time, *squeezed)]
        kept.sort(key=lambda entry: (entry[1].kind not in OUTER, entry[1] not in same.values()))
        return Contraction(same, (time,), (*kept, ("b", base.required(FEATURE)))), squeezed

    def _time(self, base: Template, weights: Template, site: Site) -> Axis:
        """:return: the axis of the weights to sum over: the base's time axis, or else the only time axis"""
        times = [axis for axis in weights.axes if axis.kind == TIME]
        if base.time in times:
            return base.time
        if len(times) != 1:
            raise site.fail_sources(f"the weights need the time axis of the base, {base.time}")
        return times[0]
