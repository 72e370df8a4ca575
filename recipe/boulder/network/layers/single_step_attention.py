"""`dot_attention`, `concat_attention`, `gauss_window_attention`: attention of one vector per sequence to a base, in one layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.axes import FEATURE, OUTER, TIME, Axis, Spatial
from boulder.network.concat_layer import ConcatLayer
from boulder.network.contraction import Contraction
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.masked_softmax import masked_softmax
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class _Attention(ConcatLayer):
    """
    :param base: layer whose frames are summed up, [batch, time, feature]
    """

    some_sources_suffice = False

    base: str

    def further(self) -> tuple[str, ...]:
        return (self.base,)

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *self.further())

    def _divided(self, sources: Sequence) -> tuple[Sequence, Sequence]:
        """:return: the sources of `from`, and those that other options name"""
        count = len(sources) - len(self.further())
        return sources[:count], sources[count:]

    def _input(self, site: Site) -> Template:
        template = replace(site, sources=list(self._divided(site.sources)[0])).input()
        if template.time is not None:
            raise site.fail(f"needs one vector per sequence, without a time axis, but its input is {template}")
        return template

    @staticmethod
    def _check_base(site: Site, option: str, name: str, template: Template) -> None:
        inner = [axis for axis in template.axes if axis.kind not in OUTER]
        kinds = [axis.kind for axis in inner]
        if sorted(kinds) != [FEATURE, TIME] or template.dtype != "float32":
            raise site.fail(f"{option!r} must have a time axis and a feature axis, but {name!r} is {template}")


def _outer(*templates: Template) -> tuple[Axis, ...]:
    return tuple(dict.fromkeys(axis for template in templates for axis in template.axes if axis.kind in OUTER))


def _common(a: Tensor, b: Tensor) -> tuple[dict[Axis, Axis], list[tuple[str, Axis]]]:
    """:return: outer axes that both have; and all outer axes, as entries of `Contraction.kept`"""
    same = {axis: axis for axis in b.axes if axis.kind in OUTER and axis in a.axes}
    kept = [("a", axis) for axis in a.axes if axis.kind in OUTER]
    return same, kept + [("b", axis) for axis in b.axes if axis.kind in OUTER and axis not in same]


class _GlobalAttention(_Attention):
    base_ctx: str

    def further(self) -> tuple[str, ...]:
        return (self.base, self.base_ctx)

    def spec(self, site: Site) -> Template:
        template = self._input(site)
        size = site.dense_dim(template)
        (name, base), (ctx_name, ctx) = self._divided(site.sources)[1]
        self._check_base(site, "base", name, base)
        self._check_base(site, "base_ctx", ctx_name, ctx)
        if ctx.dim != size:
            raise site.fail(f"'base_ctx' must have the {size} features of the input, but {ctx_name!r} is {ctx}")
        if ctx.time != base.time:
            raise site.fail_sources("'base' and 'base_ctx' must have the same time axis")
        self.declare(site, size)
        return Template((*_outer(template, base, ctx), base.required(FEATURE)))

    def declare(self, site: Site, size: int) -> None:
        """Declares the parameters."""

    def energy(self, run: LayerRun, x: Tensor, ctx: Tensor) -> Tensor:
        """:return: [time, …]"""
        raise NotImplementedError

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, (base, ctx) = self._divided(sources)
        time = base.template.required(TIME)
        energy = self.energy(run, run.input(own), ctx)
        axes = (*(axis for axis in energy.axes if axis != time), time)
        weights = masked_softmax(energy.ordered(axes), run.mask_over(axes, time))
        weighted = Tensor(weights, axes, Template(axes))
        same, kept = _common(weighted, base)
        contraction = Contraction(same | {time: time}, (time,), (*kept, ("b", base.template.required(FEATURE))))
        return contraction.compute(run, weighted, base, run.template)


@layer_class("dot_attention")
@dataclass(frozen=True, kw_only=True)
class DotAttention(_GlobalAttention):
    """Weighted sum of the base; the weights are the softmax of the products of input and `base_ctx`. RETURNN: DotAttentionLayer.

    Luong et al. 2015.

    :param base_ctx: layer with the keys, of the base's time axis and the input's features
    :param energy_factor: multiplies the products, e.g. 1/sqrt(dimension of the keys)
    """

    base_ctx: str
    energy_factor: float | None = None

    def energy(self, run: LayerRun, x: Tensor, ctx: Tensor) -> Tensor:
        same, kept = _common(ctx, x)
        feature, time = ctx.template.required(FEATURE), ctx.template.required(TIME)
        contraction = Contraction(same | {x.template.required(FEATURE): feature}, (feature,), (*kept, ("a", time)))
        axes = tuple(axis for _, axis in contraction.kept)
        energy = contraction.compute(run, ctx, x, Template(axes))
        return energy.mapped(lambda value: value * (self.energy_factor or 1.0))


@layer_class("concat_attention")
@dataclass(frozen=True, kw_only=True)
class ConcatAttention(_GlobalAttention):
    """Weighted sum of the base, with the softmax of v·tanh(base_ctx + input) as weights. RETURNN: ConcatAttentionLayer.

    Bahdanau, Cho & Bengio 2015. Parameter: v [features].

    :param base_ctx: layer with the keys, of the base's time axis and the input's features
    """

    base_ctx: str

    def declare(self, site: Site, size: int) -> None:
        site.param("v", (size,), "glorot_uniform")

    def energy(self, run: LayerRun, x: Tensor, ctx: Tensor) -> Tensor:
        feature, time = ctx.template.required(FEATURE), ctx.template.required(TIME)
        axes = (*_outer(ctx.template, x.template), time, feature)
        value = tf.tanh(ctx.ordered(axes) + x.ordered(axes)) * run.param("v")
        return Tensor(tf.reduce_sum(value, -1), axes[:-1], Template(axes[:-1]))


@layer_class("gauss_window_attention")
@dataclass(frozen=True, kw_only=True)
class GaussWindowAttention(_Attention):
    """Sum of the frames of the base around a position p, weighted by a Gauss function. RETURNN: GaussWindowAttentionLayer.

    y = Σ_i N(i; p, std) · base[i], for i = round(p) - window_size // 2 … + window_size - 1. Before the first frame and behind the
    last one, the base continues with that frame.

    :param sources: the position, one float per sequence
    :param window_size: number of frames in the window
    :param std: standard deviation
    :param inner_size: number of positions, which are a further axis of the output; None: p alone
    :param inner_size_step: distance of these positions: p + i · inner_size_step - inner_size / 2
    """

    window_size: int
    std: float = 1.0
    inner_size: int | None = None
    inner_size_step: float = 0.5

    def spec(self, site: Site) -> Template:
        template = self._input(site)
        inner = [axis for axis in template.axes if axis.kind not in OUTER]
        if template.dtype != "float32" or [axis.size for axis in inner] not in ([], [1]):
            raise site.fail(f"needs one position per sequence, as a float, but its input is {template}")
        ((name, base),) = self._divided(site.sources)[1]
        self._check_base(site, "base", name, base)
        for option in ("window_size", "inner_size"):
            size = getattr(self, option)
            if size is not None and size < 1:
                raise site.fail(f"{option!r} must be at least 1, found {size}")
        if self.std <= 0:
            raise site.fail(f"'std' must be greater than 0, found {self.std}")
        positions = [Spatial(self.inner_size)] if self.inner_size else []
        return Template((*_outer(template, base), *positions, base.required(FEATURE)))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, (base,) = self._divided(sources)
        x, outer = run.input(own), _outer(run.template)
        time, feature = base.template.required(TIME), base.template.required(FEATURE)
        if x.template.feature:
            value = tf.squeeze(x.feature_last().value, -1)
            x = x.made(value, [axis for axis in x.axes if axis.kind != FEATURE], x.template)
        shape = run.shape(outer)
        p = tf.reshape(tf.broadcast_to(x.ordered(outer), shape), [-1, 1])  # [N, 1]
        frames = base.ordered([*outer, time, feature])
        frames = tf.broadcast_to(frames, tf.concat([shape, tf.shape(frames)[-2:]], 0))
        frames = tf.reshape(frames, tf.concat([[-1], tf.shape(frames)[-2:]], 0))  # [N, T, F]
        last = tf.reshape(tf.broadcast_to(run.length_over(outer, time), shape), [-1, 1]) - 1
        first = tf.cast(tf.round(p), tf.int32) - self.window_size // 2
        indices = first + tf.range(self.window_size)  # [N, window]
        window = tf.gather(frames, tf.maximum(tf.minimum(indices, last), 0), axis=1, batch_dims=1)  # [N, window, F]
        n = self.inner_size or 0
        offsets = [i * self.inner_size_step - n / 2 for i in range(n)] or [0.0]
        distance = (p + tf.constant([offsets]))[:, :, None] - tf.cast(indices, tf.float32)[:, None]
        weights = tf.exp(-tf.square(distance) / (2 * self.std**2)) / (self.std * math.sqrt(2 * math.pi))
        y = tf.matmul(weights, window)  # [N, positions, F]
        axes = [axis for axis in run.template.axes if axis not in outer]
        y = tf.reshape(y, tf.concat([shape, [axis.known_size for axis in axes]], 0))
        y.set_shape([*[None] * len(outer), *(axis.size for axis in axes)])
        return Tensor(y, (*outer, *axes), run.template)
