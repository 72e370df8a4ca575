"""`pool`: max pooling or average pooling along time or along several axes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, FEATURE, Axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.in_padding import InPadding
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import slides
from boulder.network.windows import Padding, Windows, named_windows, sliding, spatial_axes


@layer_class("pool")
@dataclass(frozen=True, kw_only=True)
class Pool(ConcatLayer):
    """Maximum or mean of each window along time or along several axes.

    RETURNN: PoolLayer. It pads the longest sequence of a batch instead of each one, and masks padding with `use_time_mask` only.

    :param mode: maximum or mean of each window
    :param pool_size: sizes of the window, one per axis that it slides along
    :param strides: step of the window, an int or one int per axis; None: `pool_size`
    :param padding: see `boulder.network.windows`; with "same_static", the added entries count as zeros
    :param dilation_rate: distance between the entries of a window, an int or one int per axis
    :param in_spatial_dims: axes that the window slides along; None: all but batch and feature
    :param out_spatial_dims: `Dim`s of the axes of the windows
    :param use_channel_first: has no effect: an order of axes in memory
    :param use_time_mask: has no effect: padding is always masked
    """

    in_padding: ClassVar[InPadding] = InPadding.ZERO

    mode: Literal["max", "avg", "MAX", "AVG"]
    pool_size: list[int]
    padding: Padding = "valid"
    strides: int | list[int] | None = None
    dilation_rate: int | list[int] = 1
    in_spatial_dims: list[object] | None = None
    out_spatial_dims: list[NetDim] | None = None
    use_channel_first: bool = False
    use_time_mask: bool = False

    def spec(self, site: Site) -> Template:
        template = site.input()
        output = self._windows(template, site).template(template, site.dense_dim(template))
        return output.with_axis_replaced(output.required(FEATURE), template.required(FEATURE))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        return [*super().named_axes(site, output), *named_windows(self.out_spatial_dims, output, site)]

    def _windows(self, template: Template, site: Site) -> Windows:
        axes = spatial_axes(template, self.in_spatial_dims, site)
        strides = self.pool_size if self.strides is None else self.strides
        return sliding(template, axes, self.pool_size, strides, self.dilation_rate, self.padding, site)

    def widening(self, w: Widening) -> None:
        x = w.input()
        slides(w, x, self._windows(x.new, w.site()))
        w.tie(x.feature, w.output.feature)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        windows = self._windows(x.template, self.site(run))

        def pooled(value: TFTensor) -> TFTensor:
            return pool(value, windows, self.mode.upper())

        partial = self.padding.lower() == "same"  # windows at the ends have fewer entries
        if self.mode.lower() == "max":
            y = windows.made(run, x, pooled, fill=float("-inf") if partial else 0.0)
        else:
            y = windows.made(run, x, pooled)
            if partial:
                share = windows.made(run, x.mapped(tf.ones_like), pooled)
                y = y.made(tf.math.divide_no_nan(y.value, share.value), y.axes, y.template)
        return y.made(_without_padding(run, y), y.axes, y.template)


def _without_padding(run: LayerRun, y: Tensor) -> TFTensor:
    """Sets the padding to 0: windows there are empty, and their -inf would turn later gradients into nan."""
    value = y.value
    for axis in y.axes:
        if axis.kind in DYNAMIC:
            value = tf.where(run.mask_over(y.axes, axis), value, 0)
    return value


def pool(value: TFTensor, windows: Windows, mode: str) -> TFTensor:
    """
    :param value: [N, *sizes, features], already padded
    :param mode: "MAX" or "AVG"
    :return: [N, *number of windows, features]
    """
    strides = [window.stride for window in windows.each]
    dilations = [window.dilation for window in windows.each]
    sizes = [window.size for window in windows.each]
    if max(dilations) == 1 and all(stride <= size for stride, size in zip(strides, sizes, strict=True)):
        return tf.nn.pool(value, sizes, mode, strides, "VALID")
    dense = tf.nn.pool(value, sizes, mode, padding="VALID", dilations=dilations)  # TensorFlow cannot combine the two
    return dense[(slice(None), *(slice(None, None, stride) for stride in strides))]
