"""`conv`: convolution along time or along several axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.axes import FEATURE, SPATIAL, Axis
from boulder.network.contraction import distinct
from boulder.network.dims import NetDim
from boulder.network.filters import Convolution, fits
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.units import Divided, Product, Run, sizes_of
from boulder.network.widening.ways import SCALED, activates, slides
from boulder.network.windows import Padding, Windows, named_windows, sliding, spatial_axes


@layer_class("conv")
@dataclass(frozen=True, kw_only=True)
class Conv(Convolution):
    """y[t] = Σ_k x[t·stride + k·dilation - before] · W[k] + bias. RETURNN: ConvLayer, with the defaults of behavior_version 0.
    It pads the longest sequence of a batch instead of each one.

    Parameters: W [*filter_size, input / groups, n_out], bias [n_out].

    :param filter_size: sizes of the window, one per axis that it slides along
    :param padding: see `boulder.network.windows`
    :param strides: step of the window, an int or one int per axis
    :param dilation_rate: distance between the entries of a window, an int or one int per axis
    :param groups: number of feature groups; each group of outputs sees only its group of inputs
    :param in_spatial_dims: axes that the window slides along; None: all but batch and feature
    :param out_spatial_dims: `Dim`s of the axes of the windows
    :param input_expand_dims: number of axes of size 1 to add to the input, and to slide along
    :param input_add_feature_dim: slide along the feature axis as well; the input then has one feature
    :param input_split_feature_dim: split the features into parts of this size, and slide along the parts as well
    :param with_bias: add the bias
    :param activation: see `boulder.network.activations`
    :param forward_weights_init: initializer of W
    :param bias_init: initializer of the bias
    :param auto_use_channel_first: has no effect: an order of axes in memory
    :param use_time_mask: has no effect: padding is always masked
    :param pad_seq_len_to_power: has no effect: lengths that RETURNN gives to TensorFlow
    """

    filter_size: list[int]
    padding: Padding
    strides: int | list[int] = 1
    dilation_rate: int | list[int] = 1
    groups: int = 1
    in_spatial_dims: list[object] | None = None
    out_spatial_dims: list[NetDim] | None = None
    input_expand_dims: int = 0
    input_add_feature_dim: bool = False
    input_split_feature_dim: int | None = None
    with_bias: bool = False
    activation: str | None = None
    forward_weights_init: str | float | dict = "glorot_uniform"
    bias_init: str | float | dict = 0.0
    auto_use_channel_first: bool = False
    use_time_mask: bool = False
    pad_seq_len_to_power: float | None = None

    def spec(self, site: Site) -> Template:
        outer, site = site, self.site_of_input(site)
        template = site.input()
        size, n_out = site.dense_dim(template), site.out_dim()
        split = self.input_split_feature_dim
        if split is not None and (self.input_add_feature_dim or split < 1 or size % split):
            raise site.fail(f"'input_split_feature_dim' must divide the {size} features of its input, found {split}")
        shaped, windows = self._windows(template, site)
        n_in = shaped.required(FEATURE).known_size
        if self.groups < 1 or n_in % self.groups or n_out % self.groups:
            raise site.fail(f"'groups' must divide {n_in} input and {n_out} output features, found {self.groups}")
        sizes = tuple(window.size for window in windows.each)
        self.check_given(outer, sizes, self._in_and_out(shaped, n_out))
        rows = site.input_parts() if self.groups == 1 and shaped.feature == template.feature else ()
        if sum(part.size for part in rows) != n_in:
            rows = (Part("", n_in // self.groups),)
        shape = (*sizes, n_in // self.groups, n_out)
        parts = site.input_parts()
        depthwise = (
            self.groups == n_in == n_out == sum(part.size for part in parts) and shaped.feature == template.feature
        )
        columns = parts if depthwise else site.whole(n_out)  # depthwise, an output belongs to the input of its number
        splits = (*map(site.whole, sizes), rows, columns)
        if self.filter is None:
            site.param("W", shape, self.forward_weights_init, splits=splits, per_unit=depthwise)
        if self.with_bias and self.bias is None:
            site.param("bias", (n_out,), self.bias_init, splits=(columns,), per_unit=depthwise)
        output = windows.template(shaped, n_out)
        activations.check(self.activation, output, site.where)
        return output

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        return [*super().named_axes(site, output), *named_windows(self.out_spatial_dims, output, site)]

    def _windows(self, template: Template, site: Site) -> tuple[Template, Windows]:
        """:return: the template of the input with its new axes, and the windows over it"""
        axes = spatial_axes(template, self.in_spatial_dims, site)
        old, new = template.axes, [Axis(SPATIAL, 1)] * self.input_expand_dims
        size = channels = template.required(FEATURE).known_size
        if self.input_add_feature_dim or self.input_split_feature_dim:
            channels = self.input_split_feature_dim or 1
            new.append(Axis(SPATIAL, size // channels))
        outer = [axis for axis in old if axis.kind != FEATURE]
        named = distinct([*outer, *new, Axis(FEATURE, channels)])
        axes += named[len(outer) : -1]
        shaped = Template(named, template.dtype)
        return shaped, sliding(shaped, axes, self.filter_size, self.strides, self.dilation_rate, self.padding, site)

    def order(self, axes: list[Axis], sizes: Sequence[int], in_and_out: Sequence[Axis]) -> list[Axis]:
        """The first axis that fits is the input, and the next one the output, as in RETURNN: `filter_perm` has no effect."""
        rest, features = list(axes), []
        for wanted in in_and_out:
            found = [a for a in rest if a.dim and a.dim == wanted.dim] or [a for a in rest if fits(a, wanted)]
            features += found[:1]
            rest = [axis for axis in rest if axis not in found[:1]]
        return [*rest, *features]

    def _in_and_out(self, shaped: Template, n_out: int) -> tuple[Axis, Axis]:
        feature = shaped.required(FEATURE)
        inputs = feature if self.groups == 1 else Axis(FEATURE, feature.known_size // self.groups)
        return inputs, Axis(FEATURE, n_out, (), self.out_dim.name if self.out_dim else "")

    def widening(self, w: Widening) -> None:
        if w.divided()[1]:  # layers in place of parameters
            w.unchanged()
            return
        x, out = w.input(), w.output
        _, windows = self._windows(x.new, w.site())
        old_groups = w.old_layer.groups
        if not (self.input_add_feature_dim or self.input_split_feature_dim):
            groups = Run(old_groups, self.groups)
            before, after = sizes_of(x.features)
            within = Run(before // old_groups, after // self.groups)
            made = Run(sizes_of(out.features)[0] // old_groups, sizes_of(out.features)[1] // self.groups)
            alone = old_groups == self.groups == 1
            w.tie(x.feature, Product((groups, within)))
            w.tie(out.feature, Product((groups, made)))
            if not alone:
                w.own(groups)
            w.own(made)
            rows = w.rows("W", len(windows.axes), x) if alone else Divided(within)
        else:
            w.keep(x.feature, "slides along its features")
            w.own(out.feature)
            rows = None
        w.param("W", *([None] * len(windows.axes)), rows, out.feature)
        w.param("bias", out.feature)
        slides(w, x, windows)
        activates(w, self.activation)
        if self.activation in SCALED:
            w.scalable("W", -1)
            w.scalable("bias", -1)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, given = self.divided(sources)
        x = run.input(own).feature_last()
        template, windows = self._windows(x.template, self.site(run))
        new = template.axes[len(x.axes) - 1 :]
        shape = tf.concat([tf.shape(x.value)[:-1], [axis.size for axis in new]], 0)
        value = tf.ensure_shape(tf.reshape(x.value, shape), [*x.value.shape[:-1], *(axis.size for axis in new)])
        x = Tensor(value, (*x.axes[:-1], *new), template)
        weights = run.param("W") if self.filter is None else self._given(run, given, windows, template)
        y = windows.made(run, x, lambda value: convolution(value, weights, windows, self.groups))
        if self.with_bias or self.bias:
            bias = given["bias"].value if self.bias else run.param("bias")
            y = y.mapped(lambda value: value + bias)
        return y.activated(self.activation)

    def _given(self, run: LayerRun, given: Mapping[str, Tensor], windows: Windows, template: Template) -> TFTensor:
        sizes, in_and_out = [window.size for window in windows.each], self._in_and_out(template, run.template.dim or 0)
        return self.filter_in(run, given, sizes, in_and_out)


def convolution(value: TFTensor, weights: TFTensor, windows: Windows, groups: int) -> TFTensor:
    """
    :param value: [N, *sizes, input], already padded
    :param weights: [*window, input / groups, output]
    :return: [N, *number of windows, output]
    """
    strides = [window.stride for window in windows.each]
    dilations = [window.dilation for window in windows.each]
    if groups > 1 and groups == value.shape[-1] and len(strides) < 3:
        operation = _depthwise
        together = max(dilations) == 1 and len(set(strides)) == 1
    else:
        operation = _grouped
        together = max(dilations) == 1
    if together or max(strides) == 1:
        return operation(value, weights, strides, dilations, groups)
    dense = operation(value, weights, [1] * len(strides), dilations, groups)  # TensorFlow cannot combine the two
    return dense[(slice(None), *(slice(None, None, stride) for stride in strides))]


def _grouped(value: TFTensor, weights: TFTensor, strides: list[int], dilations: list[int], groups: int) -> TFTensor:
    layout = ("NWC", "NHWC", "NDHWC")[len(strides) - 1]  # TensorFlow's eager 3D convolution has no gradient without it
    parts = zip(tf.split(value, groups, axis=-1), tf.split(weights, groups, axis=-1), strict=True)
    one = partial(tf.nn.convolution, strides=strides, padding="VALID", data_format=layout, dilations=dilations)
    return tf.concat([product(one, x, w) for x, w in parts], axis=-1)


def _depthwise(value: TFTensor, weights: TFTensor, strides: list[int], dilations: list[int], groups: int) -> TFTensor:
    """Convolves each input feature separately, in one operation instead of one per feature."""
    *sizes, _, n_out = weights.shape
    if len(sizes) == 1:
        value = tf.expand_dims(value, 2)
        sizes, strides, dilations = [*sizes, 1], [*strides, *strides], [*dilations, 1]
        squeeze = [2]
    else:
        squeeze = []
    filters = tf.reshape(weights, [*sizes, groups, n_out // groups])
    one = partial(tf.nn.depthwise_conv2d, strides=[1, *strides, 1], padding="VALID", dilations=dilations)
    result = product(one, value, filters)
    return tf.squeeze(result, squeeze) if squeeze else result
