"""`pool`: the maximum or the mean of the entries in a window that slides along time, or along other axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import DYNAMIC, Axis
from boulder.network.layer import ConcatLayer, Site, layer_class
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.windows import Padding, Windows, sliding, spatial_axes


@layer_class("pool")
@dataclass(frozen=True, kw_only=True)
class Pool(ConcatLayer):
    """Padding counts neither for a maximum nor for a mean, whatever `use_time_mask` says. (RETURNN: PoolLayer)

    :param mode: what is made of a window
    :param pool_size: sizes of the window, one for each axis that it slides along
    :param strides: by how much it moves; None: by its sizes
    :param padding: see `boulder.network.windows`; with "same_static", the entries that are added count as zeros
    :param dilation_rate: distance of a window's entries
    :param in_spatial_dims: axes that the window slides along; None: all but those of the batch and of the features
    """

    mode: Literal["max", "avg", "MAX", "AVG"]
    pool_size: list[int]
    padding: Padding = "valid"
    strides: int | list[int] | None = None
    dilation_rate: int | list[int] = 1
    in_spatial_dims: list[object] | None = None
    use_channel_first: bool = False
    use_time_mask: bool = False

    def spec(self, site: Site) -> Template:
        template = site.input()
        return self._windows(template, site).template(template, site.dense_dim(template))

    def _windows(self, template: Template, site: Site) -> Windows:
        axes = spatial_axes(template, self.in_spatial_dims, site)
        strides = self.pool_size if self.strides is None else self.strides
        return sliding(template, axes, self.pool_size, strides, self.dilation_rate, self.padding, site)

    def compute(self, run, *sources):
        x = run.input(sources)
        windows = self._windows(x.template, Site(run.name, self, []))

        def pooled(value):
            return pool(value, windows, self.mode.upper())

        partial = self.padding.lower() == "same"  # windows at the ends have fewer entries
        if self.mode.lower() == "max":
            y = windows.made(run, x, pooled, fill=float("-inf") if partial else 0.0)
        else:
            y = windows.made(run, x, pooled)
            if partial:
                share = windows.made(run, x.mapped(tf.ones_like), pooled)
                y = y.made(tf.math.divide_no_nan(y.value, share.value), y.axes, y.template)
        return y.made(_without_padding(run, y, x.axes), y.axes, y.template)


def _without_padding(run, y: Tensor, known: Sequence[Axis]):
    """A window in the padding has no entries, and its -inf would make the gradients of later layers nan."""
    value = y.value
    for axis in y.axes:
        if axis.kind in DYNAMIC and axis not in known:
            value = tf.where(run.mask_over(y.axes, axis), value, 0)
    return value


def pool(value, windows: Windows, mode: str):
    """
    :param value: [N, *sizes, features]
    :param mode: "MAX" or "AVG"
    :return: [N, *numbers of windows that fit in, features]
    """
    strides = [window.stride for window in windows.each]
    dilations = [window.dilation for window in windows.each]
    sizes = [window.size for window in windows.each]
    if max(dilations) == 1 and all(stride <= size for stride, size in zip(strides, sizes, strict=True)):
        return tf.nn.pool(value, sizes, mode, strides, "VALID")
    dense = tf.nn.pool(value, sizes, mode, padding="VALID", dilations=dilations)  # TensorFlow has no more
    return dense[(slice(None), *(slice(None, None, stride) for stride in strides))]
