"""`transposed_conv`: convolution that makes several frames of each one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from boulder.counted import counted
from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.axes import DYNAMIC, FEATURE, Axis
from boulder.network.contraction import distinct
from boulder.network.dims import NetDim
from boulder.network.filters import Convolution
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.taking import taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.windows import named_windows, per_axis, spatial_axes


@dataclass(frozen=True)
class Spread:
    """
    The frames that a transposed convolution makes along one axis: s · n + `extra`, of which `removed` at each end are cut off.

    :param size: of the filter
    :param stride: s
    """

    size: int
    stride: int
    extra: int
    removed: int

    def whole(self, n: TFTensor) -> TFTensor:
        """:return: number of frames before some are removed, for n ≥ 1"""
        return n * self.stride + self.extra

    def count(self, n: TFTensor) -> TFTensor:
        """
        :param n: int or int32 tensor
        :return: number of frames made of `n` ones, of the type of `n`; 0 of 0
        """
        if isinstance(n, int):
            return max(0, self.whole(n) - 2 * self.removed) if n else 0
        return tf.where(n > 0, tf.maximum(0, self.whole(n) - 2 * self.removed), 0)

    def over(self, axis: Axis) -> Axis:
        """:return: the axis of the new frames"""
        if axis.kind not in DYNAMIC:
            return replace(axis, size=self.count(axis.known_size))
        longer = self.extra - 2 * self.removed
        return axis.derived("transposed", self.stride, longer) if longer else axis.repeated(self.stride)


@layer_class("transposed_conv")
@dataclass(frozen=True, kw_only=True)
class TransposedConv(Convolution):
    """y[i] = Σ_t x[t] · W[i - t · stride + before] + bias, over the frames t of a sequence.

    RETURNN: TransposedConvLayer, in which the padding of shorter sequences reaches their last frames, and `before` of a given
    number of new frames is that of the longest sequence.

    Parameters: W_native_transposed_conv [*filter_size, n_out, input], with a 1 after a single size; bias [n_out].

    :param filter_size: sizes of the filter, one or two, one per axis
    :param strides: number of new frames per frame, an int or one int per axis; None: `filter_size`
    :param padding: "same": n · stride new frames; "valid": all of them
    :param remove_padding: number of new frames to cut off at each end, an int or one int per axis
    :param output_padding: None, or for each axis the number of additional new frames, as PyTorch and Keras count them
    :param in_spatial_dims: axes of time or space; None: all but batch and feature
    :param out_spatial_dims: `Dim`s of the new axes. If a time axis has the only one, such as that of the frames before a `pool`,
        there are as many new frames as it has
    :param with_bias: add the bias
    :param activation: see `boulder.network.activations`
    :param forward_weights_init: initializer of the filter
    :param bias_init: initializer of the bias
    :param use_time_mask: has no effect: padding is always masked
    """

    filter_size: list[int]
    strides: int | list[int] | None = None
    padding: Literal["same", "valid", "SAME", "VALID"] = "same"
    remove_padding: int | list[int] = 0
    output_padding: int | list[object] | None = None
    in_spatial_dims: list[object] | None = None
    out_spatial_dims: list[NetDim] | None = None
    with_bias: bool = True
    activation: str | None = None
    forward_weights_init: str | float | dict = "glorot_uniform"
    bias_init: str | float | dict = 0.0
    use_time_mask: bool = False

    weights: ClassVar[str] = "W_native_transposed_conv"

    def spec(self, site: Site) -> Template:
        outer, site = site, self.site_of_input(site)
        template = site.input()
        n_in, n_out = site.dense_dim(template), site.out_dim()
        axes, each = self._spreads(template, site)
        parts = site.input_parts()
        sizes = (*(spread.size for spread in each), *([1] if len(each) == 1 else []))
        splits = (
            *map(site.whole, sizes),
            site.whole(n_out),
            parts if sum(p.size for p in parts) == n_in else site.whole(n_in),
        )
        self.check_given(outer, self.filter_size, self._out_and_in(template, n_out))
        if self.filter is None:
            site.param(self.weights, (*sizes, n_out, n_in), self.forward_weights_init, splits=splits)
        if self.with_bias and self.bias is None:
            site.param("bias", (n_out,), self.bias_init)
        output = self._output(template, axes, each, n_out)
        given = self._given(axes, each)
        if given:
            output = output.with_axis_replaced(each[0].over(axes[0]), given)
        activations.check(self.activation, output, site.where)
        return output

    def named_axes(self, site: Site, output: Template) -> Iterable[tuple[NetDim, Axis | None]]:
        return [*super().named_axes(site, output), *named_windows(self.out_spatial_dims, output, site)]

    def _given(self, axes: Sequence[Axis], each: Sequence[Spread]) -> Axis | None:
        """:return: the axis of the new frames, if `out_spatial_dims` is one whose lengths are known"""
        if len(axes) > 1 or len(self.out_spatial_dims or ()) != 1 or axes[0].kind not in DYNAMIC or each[0].removed:
            return None
        known = self.out_spatial_dims[0].axis if self.out_spatial_dims else None
        return known if known and known.size is None and known.identity != each[0].over(axes[0]).identity else None

    @staticmethod
    def _output(template: Template, axes: Sequence[Axis], each: Sequence[Spread], n_out: int) -> Template:
        outer = [axis for axis in template.axes if axis not in axes and axis.kind != FEATURE]
        new = [spread.over(axis) for axis, spread in zip(axes, each, strict=True)]
        return Template(distinct([*outer, *new, Axis(FEATURE, n_out)]), template.dtype)

    def _spreads(self, template: Template, site: Site) -> tuple[list[Axis], list[Spread]]:
        axes, count = spatial_axes(template, self.in_spatial_dims, site), len(self.filter_size)
        if not 1 <= count <= 2:
            raise site.fail(f"'filter_size' must have one or two sizes, found {list(self.filter_size)!r}")
        if len(axes) != count:
            found = ", ".join(map(str, axes)) or "none"
            raise site.fail(f"{count} sizes of filters need as many axes of the input {template}, found {found}")
        sizes = per_axis("filter_size", self.filter_size, count, site)
        strides = sizes if self.strides is None else per_axis("strides", self.strides, count, site)
        removed = self._each("remove_padding", self.remove_padding, count, site)
        padded = self._each("output_padding", self.output_padding, count, site)
        spreads = []
        for axis, size, stride, remove, more in zip(axes, sizes, strides, removed, padded, strict=True):
            spread = Spread(size, stride, self._extra(size, stride, more, site), remove or 0)
            if axis.kind not in DYNAMIC and spread.count(axis.known_size) < 1:
                raise site.fail(f"'remove_padding' {remove} leaves nothing of axis {axis} of its input {template}")
            if axis.kind in DYNAMIC and template.batch is None:
                raise site.fail(f"needs a batch axis, but its input is {template}")
            spreads.append(spread)
        return axes, spreads

    @staticmethod
    def _each(option: str, value: object, count: int, site: Site) -> list[int | None]:
        values: list[Any] = list(value) if isinstance(value, list | tuple) else [value] * count
        if len(values) != count or any(v is not None and (not isinstance(v, int) or v < 0) for v in values):
            raise site.fail(f"{option!r} must have {counted(count, 'entry', 'entries')} of at least 0, found {value!r}")
        return values

    def _extra(self, size: int, stride: int, more: int | None, site: Site) -> int:
        """:return: number of new frames beyond n · stride, before some are removed"""
        same = self.padding.lower() == "same"
        if more is None:
            return 0 if same else max(size - stride, 0)
        extra = size - stride - (2 * (size // 2) if same else 0) + more
        low, high = (1 - stride, 0) if same else (size - stride, size - 1)
        if not low <= extra <= high:
            raise site.fail(f"'output_padding' {more} does not fit a filter of size {size} with stride {stride}")
        return extra

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, given = self.divided(sources)
        x = run.input(own).feature_last()
        axes, each = self._spreads(x.template, self.site(run))
        value = x.value
        for axis in axes:
            if axis.kind in DYNAMIC:
                value = tf.where(run.mask_over(x.axes, axis), value, 0)
        x = x.made(value, x.axes, x.template)
        weights = self._weights(run, given, x.template)
        bias = None
        if self.with_bias or self.bias:
            bias = given["bias"].value if self.bias else run.param("bias")
        made = run.template.axes[-len(axes) - 1]
        if made.identity != each[0].over(axes[0]).identity:
            y = self._with_lengths_of(run, x, axes[0], made, each[0], weights).feature_last()
            y = y if bias is None else y.mapped(lambda value: value + bias)
            return y.activated(self.activation)
        value, restore = x.collapsed((*axes, x.axes[-1]))
        y = self._made(value, weights, each, self.padding)
        if bias is not None:
            y += bias
        new = run.template.axes[-len(axes) - 1 :]
        for axis, spread, made in zip(axes, each, new, strict=False):
            if made.kind in DYNAMIC:
                run.set_length_from(made, axis, spread.count)
        return restore(y, new, run.template).activated(self.activation)

    def _with_lengths_of(
        self, run: LayerRun, x: Tensor, axis: Axis, made: Axis, spread: Spread, weights: TFTensor
    ) -> Tensor:
        """
        :param x: the input, 0 in the padding
        :param made: axis of the new frames
        """
        whole = replace(spread, extra=spread.size - spread.stride)
        value, restore = x.collapsed((axis, x.axes[-1]))
        full = made.derived("whole")
        template = run.template.with_axis_replaced(made, full)
        y = restore(self._made(value, weights, [whole], "valid"), (full, run.template.axes[-1]), template)
        outer = tuple(dict.fromkeys([*run.length_axes(axis), *run.length_axes(made)]))
        old, new = run.length_over(outer, axis), run.length_over(outer, made)
        same, size, stride = self.padding.lower() == "same", spread.size, spread.stride
        fitting = -(-new // stride) if same else tf.maximum(0, -(-(new - size + 1) // stride))
        message = f"{run.where}: no convolution with its 'filter_size', 'strides' and 'padding' makes {axis} of {made}"
        check = tf.debugging.assert_equal(old, fitting, message)
        with tf.control_dependencies([check] if check is not None else []):
            before = tf.maximum(0, (old - 1) * stride + size - new) // 2 if same else tf.zeros_like(new)
        index = tf.range(run.frames(made)) + before[..., None]
        valid = (index < whole.count(old)[..., None]) & (tf.range(run.frames(made)) < new[..., None])
        index, valid = (tf.broadcast_to(v, run.shape((*outer, made))) for v in (index, valid))
        return y.made(*taken(y, full, index, (*outer, made), valid), run.template)

    def _out_and_in(self, template: Template, n_out: int) -> tuple[Axis, Axis]:
        name = self.out_dim.name if self.out_dim else ""
        return Axis(FEATURE, n_out, (), name), template.required(FEATURE)

    def _weights(self, run: LayerRun, given: Mapping[str, Tensor], template: Template) -> TFTensor:
        if self.filter is None:
            return run.param(self.weights)
        out_and_in = self._out_and_in(template, run.template.dim or 0)
        weights = self.filter_in(run, given, self.filter_size, out_and_in)
        return weights[:, None] if len(self.filter_size) == 1 else weights

    def _made(self, value: TFTensor, weights: TFTensor, each: Sequence[Spread], padding: str) -> TFTensor:
        """
        :param value: [N, *sizes, input], 0 in the padding
        :return: [N, *new sizes, n_out]
        """
        count = len(each)
        counts = [spread.count(tf.shape(value)[i + 1]) for i, spread in enumerate(each)]
        missing = [
            tf.maximum(0, 1 - tf.shape(value)[i + 1]) for i in range(count)
        ]  # TensorFlow refuses an axis of size 0
        value = tf.pad(value, [[0, 0], *([0, n] for n in missing), [0, 0]])
        shape = [spread.whole(tf.shape(value)[i + 1]) for i, spread in enumerate(each)]
        strides = [spread.stride for spread in each]
        if count == 1:
            value, shape, strides = value[:, :, None], [*shape, 1], [*strides, 1]
        output_shape = tf.stack([tf.shape(value)[0], *shape, weights.shape[-2]])

        def transposed(x: TFTensor, w: TFTensor) -> TFTensor:
            return tf.nn.conv2d_transpose(x, w, output_shape, strides, padding.upper())

        y = product(transposed, value, weights)
        y = y[:, :, 0] if count == 1 else y
        kept = (slice(spread.removed, spread.removed + n) for spread, n in zip(each, counts, strict=True))
        y = y[(slice(None), *kept)]
        y.set_shape([None] * (count + 1) + [weights.shape[-2]])
        return y
