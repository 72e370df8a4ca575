"""Windows that slide along axes, for `conv` and `pool`.

A window covers `size` entries, `dilation` apart, and moves by `stride`. Over n entries there are

    valid        max(0, ⌈(n - reach) / stride⌉)          reach = (size - 1) · dilation
    same         ⌈n / stride⌉                            with padding, half of it before the first entry
    same_static  ⌈n / stride⌉                            with ⌊(size - stride) / 2⌋ padding before, for any sequence length

windows. The padding of a sequence does not depend on the other sequences of the batch. RETURNN pads the longest sequence, so
that shorter ones get other results than alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from boulder.counted import counted
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, OUTER, Axis
from boulder.network.axis_names import find_axis
from boulder.network.contraction import distinct
from boulder.network.dims import NetDim
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor

Padding = Literal["valid", "same", "same_static", "VALID", "SAME", "SAME_STATIC"]


@dataclass(frozen=True)
class Window:
    """A window along one axis."""

    size: int
    stride: int
    dilation: int
    padding: str

    @property
    def reach(self) -> int:
        """:return: distance of its last entry from its first"""
        return (self.size - 1) * self.dilation

    def count(self, n: TFTensor) -> TFTensor:
        """
        :param n: int or int32 tensor
        :return: number of windows over `n` entries, of the type of `n`
        """
        if self.padding == "valid":
            n = n - self.reach
        windows = -(-n // self.stride)
        return max(0, windows) if isinstance(windows, int) else tf.maximum(0, windows)

    def before(self, n: TFTensor, dynamic: bool) -> TFTensor:
        """
        :param n: int or int32 tensor
        :param dynamic: whether the axis is dynamic
        :return: amount of padding before the first entry, an int or of the type of `n`
        """
        if self.padding == "valid":
            return 0
        if self.padding == "same_static" and dynamic:
            return (self.size - self.stride) // 2
        if self.stride == 1:
            return self.reach // 2
        missing = (self.count(n) - 1) * self.stride + self.reach + 1 - n
        return (max(0, missing) if isinstance(missing, int) else tf.maximum(0, missing)) // 2

    def over(self, axis: Axis) -> Axis:
        """:return: the axis of the windows along `axis`; axes with the same number of windows are equal"""
        if axis.kind not in DYNAMIC:
            count = self.count(axis.known_size)
            return axis if count == axis.size else replace(axis, size=count, dim="")
        if self.padding == "valid" and self.reach:
            axis = axis.derived("less", self.reach)
        return axis.every(self.stride)


@dataclass(frozen=True)
class Windows:
    """
    :param axes: axes of the input along which the windows slide, in the order of the options
    :param each: a window for each axis
    """

    axes: tuple[Axis, ...]
    each: tuple[Window, ...]

    def template(self, template: Template, features: int) -> Template:
        """
        :param template: template of the input
        :param features: size of the result's feature axis
        :return: template of the result: the other axes first, then the axes of the windows
        """
        outer = [axis for axis in template.axes if axis not in self.axes and axis.kind != FEATURE]
        inner = [window.over(axis) for axis, window in zip(self.axes, self.each, strict=True)]
        return Template(distinct([*outer, *inner, Axis(FEATURE, features)]), template.dtype)

    def made(self, run: LayerRun, x: Tensor, function: Callable[[TFTensor], TFTensor], fill: float = 0.0) -> Tensor:
        """
        :param x: input
        :param function: tf.Tensor [N, *sizes, features] → [N, *windows, new features], over all windows without padding
        :param fill: value of the padding
        :return: tensor of the template of `run`; the lengths along its axes are set
        """
        x = x.feature_last()
        value, restore = x.collapsed((*self.axes, x.axes[-1]))
        outer = [axis for axis in x.axes[:-1] if axis not in self.axes]
        counts = []
        for position, (axis, window) in enumerate(zip(self.axes, self.each, strict=True), start=1):
            counts.append(window.count(value.shape[position] or tf.shape(value)[position]))
            lengths = _flat_lengths(run, outer, axis) if axis.kind in DYNAMIC else None
            value = _extended(value, position, window, lengths, fill)
        value = function(value)
        value = value[
            (slice(None), *(slice(count) for count in counts))
        ]  # an axis without a window was extended to have one
        axes = run.template.axes[-len(self.axes) - 1 :]
        for axis, window, new in zip(self.axes, self.each, axes, strict=False):
            if new.kind in DYNAMIC:
                run.set_length_from(new, axis, window.count)
        return restore(value, axes, run.template)


def _flat_lengths(run: LayerRun, outer: Sequence[Axis], axis: Axis) -> TFTensor:
    """:return: int32 [N], lengths along `axis`, where N are the axes `outer`, merged"""
    return tf.reshape(tf.broadcast_to(run.length_over(outer, axis), run.shape(outer)), [-1])


def _extended(value: TFTensor, position: int, window: Window, lengths: TFTensor, fill: float) -> TFTensor:
    """
    :param value: [N, *sizes, features]
    :param position: position of the axis
    :param lengths: int32 [N], or None where the axis is static
    :return: `value`, extended to the reach of the windows along the axis, with `fill` before and after each sequence
    """
    if window.padding == "valid" and lengths is None:
        return value
    n = value.shape[position] or tf.shape(value)[position]
    before = window.before(n if lengths is None else lengths, lengths is not None)
    reached = (tf.maximum(1, window.count(n)) - 1) * window.stride + window.reach + 1
    if not isinstance(before, int) and before.shape.rank:
        entry = tf.range(reached) - before[:, None]  # [N, reached]
        entry = tf.where((entry >= 0) & (entry < lengths[:, None]), entry, n)
        return tf.gather(_padded(value, position, 0, 1, fill), entry, axis=position, batch_dims=1)
    if lengths is not None and window.padding != "valid":
        mask = tf.sequence_mask(lengths, n)
        mask = tf.reshape(mask, [-1 if i == 0 else n if i == position else 1 for i in range(value.shape.rank)])
        value = tf.where(mask, value, tf.constant(fill, value.dtype))
    return _padded(value, position, before, tf.maximum(0, reached - before - n), fill)


def _padded(value: TFTensor, position: int, before: TFTensor, behind: TFTensor, fill: float) -> TFTensor:
    sizes = [[before, behind] if i == position else [0, 0] for i in range(value.shape.rank)]
    return tf.pad(value, sizes, constant_values=fill)


def per_axis(option: str, value: int | Sequence[int], count: int, site: Site) -> tuple[int, ...]:
    """
    :return: an entry of the option for each of `count` axes
    :raises NetworkError: if the number of entries is not `count`, or an entry is below 1
    """
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) != count or min(values, default=0) < 1:
        raise site.fail(f"{option!r} must have {counted(count, 'entry', 'entries')} of at least 1, found {value!r}")
    return values


def sliding(
    template: Template,
    axes: Sequence[Axis],
    sizes: Sequence[int],
    strides: int | Sequence[int],
    dilations: int | Sequence[int],
    padding: str,
    site: Site,
) -> Windows:
    """
    :param template: template of the input
    :param axes: axes of the input
    :raises NetworkError: if the windows cannot slide along the axes
    """
    if not 1 <= len(sizes) <= 3:
        raise site.fail(f"windows must have 1 to 3 axes, found the sizes {list(sizes)!r}")
    if len(axes) != len(sizes):
        found = ", ".join(map(str, axes)) or "none"
        raise site.fail(f"{len(sizes)} sizes of windows need as many axes of the input {template}, found {found}")
    count, padding = len(sizes), padding.lower()
    sizes = per_axis("the size of windows", sizes, count, site)
    strides, dilations = (per_axis(o, v, count, site) for o, v in (("strides", strides), ("dilation_rate", dilations)))
    windows = tuple(Window(*entry, padding) for entry in zip(sizes, strides, dilations, strict=True))
    for axis, window in zip(axes, windows, strict=True):
        if axis.kind not in DYNAMIC and window.count(axis.known_size) < 1:
            raise site.fail(f"windows of size {window.size} do not fit into axis {axis} of its input {template}")
        if axis.kind in DYNAMIC and template.batch is None:
            raise site.fail(f"needs a batch axis, but its input is {template}")
        if padding == "same_static" and (window.dilation > 1 or window.size < window.stride):
            raise site.fail("padding 'same_static' needs windows at least as large as their stride, without dilation")
    return Windows(tuple(axes), windows)


def spatial_axes(template: Template, names: Sequence[object] | None, site: Site) -> list[Axis]:
    """
    :param names: descriptions of axes, see `boulder.network.axis_names`; None: all except batch and feature
    :raises NetworkError: if windows cannot slide along them
    """
    if names is None:
        return [axis for axis in template.axes if axis.kind not in (*OUTER, FEATURE)]
    axes = [find_axis(template, name, site) for name in names]
    if len(set(axes)) < len(axes) or any(axis.kind in (BATCH, FEATURE) for axis in axes):
        raise site.fail(f"'in_spatial_dims' must name different axes of time or space of {template}, found {names!r}")
    return axes


def named_windows(dims: Sequence[NetDim] | None, output: Template, site: Site) -> list[tuple[NetDim, Axis | None]]:
    """
    :param dims: `Dim`s of the axes of the windows, the option `out_spatial_dims`
    :param output: template of the result, as `Windows.template` returns it
    :return: the `Dim`s with the axes that they name
    :raises NetworkError: if there are more or fewer windows
    """
    if dims is None:
        return []
    count = len(output.axes) - 1 - sum(axis.kind in OUTER for axis in output.axes)
    if len(dims) > count:
        raise site.fail(f"'out_spatial_dims' are {dims}, but its output is {output}")
    return list(zip(dims, output.axes[-len(dims) - 1 : -1], strict=True))
