"""`weighted_sum`: a trained weighted sum over whole axes, or over windows along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, Axis
from boulder.network.axis_names import find_axes
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.precision import product
from boulder.network.roles import without_axes
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.windows import Windows, sliding


@layer_class("weighted_sum")
@dataclass(frozen=True, kw_only=True)
class WeightedSum(ConcatLayer):
    """y = Σ_i W[i] · x[i] over static axes, or with `size` y[t] = Σ_i W[i] · x[t + i] along axes of time or space.

    RETURNN: WeightedSumLayer.

    Parameter: W [sizes of the axes, or `size`].

    :param axes: the axes, see `boulder.network.axis_names`; one to three
    :param padding: see `boulder.network.windows`; only with `size`
    :param size: sizes of the window, one per axis in their order in the input; None: those of the axes, which vanish
    :param keep_dims: only True with `size`, and only False without
    """

    axes: object
    padding: Literal["valid", "same", "VALID", "SAME"] | None = None
    size: list[int] | None = None
    keep_dims: bool | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        dim = site.dense_dim(template)
        axes = self._summed(template, site)
        if self.keep_dims is not None and self.keep_dims != (self.size is not None):
            raise site.fail(f"'keep_dims' must be {self.size is not None} {'with' if self.size else 'without'} 'size'")
        if self.size is None:
            if any(axis.size is None for axis in axes):
                raise site.fail(f"needs static axes or a 'size', found {', '.join(map(str, axes))}")
            sizes = tuple(axis.known_size for axis in axes)
        else:
            if self.padding is None:
                raise site.fail("'size' needs a 'padding'")
            if any(axis.kind == FEATURE for axis in axes):
                raise site.fail("a window slides along axes of time or space, found the feature axis")
            sizes = tuple(window.size for window in self._windows(template, site).each)
        site.param("W", sizes, 1.0 / prod(sizes))
        return (
            without_axes(template, axes) if self.size is None else self._windows(template, site).template(template, dim)
        )

    def _summed(self, template: Template, site: Site) -> list[Axis]:
        found = find_axes(template, self.axes, site)
        if not 1 <= len(found) <= 3 or any(axis.kind == BATCH for axis in found):
            raise site.fail(f"needs one to three axes without the batch, found {', '.join(map(str, found)) or 'none'}")
        return [axis for axis in template.axes if axis in found]

    def _windows(self, template: Template, site: Site) -> Windows:
        axes = self._summed(template, site)
        return sliding(template, axes, self.size or [], 1, 1, self.padding or "valid", site)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x, site = run.input(sources), self.site(run)
        axes = self._summed(x.template, site)
        if self.size is not None:
            return self._windows(x.template, site).made(run, x, partial(_slid, weights=run.param("W")))
        rest = [axis for axis in x.axes if axis not in axes]
        value = x.ordered([*rest, *axes])
        flat = tf.reshape(value, tf.concat([tf.shape(value)[: len(rest)], [-1]], 0))
        y = product(tf.linalg.matvec, flat, tf.reshape(run.param("W"), [-1]))
        left = without_axes(x.template, axes)
        names = dict(zip((a for a in x.template.axes if a not in axes), left.axes, strict=True))
        y = tf.ensure_shape(y, [axis.size if axis.kind not in DYNAMIC else None for axis in rest])
        return x.made(y, [names[axis] for axis in rest], run.template)


def _slid(value: TFTensor, weights: TFTensor) -> TFTensor:
    """
    :param value: [N, *sizes, features], already padded
    :param weights: [*window]
    :return: [N, *number of windows, features]
    """
    spatial = len(weights.shape)
    features_first = tf.transpose(value, [0, spatial + 1, *range(1, spatial + 1)])
    shape = tf.shape(features_first)
    flat = tf.reshape(features_first, tf.concat([[-1], shape[2:], [1]], 0))
    layout = ("NWC", "NHWC", "NDHWC")[spatial - 1]  # TensorFlow's eager 3D convolution has no gradient without it
    y = product(partial(tf.nn.convolution, padding="VALID", data_format=layout), flat, weights[..., None, None])[..., 0]
    y = tf.reshape(y, tf.concat([shape[:2], tf.shape(y)[1:]], 0))
    y = tf.transpose(y, [0, *range(2, spatial + 2), 1])
    y.set_shape([None] * (spatial + 1) + [value.shape[-1]])
    return y
