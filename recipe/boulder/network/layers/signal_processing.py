"""`stft`, `istft`, `mel_filterbank` and `dct`: the steps from samples of sound to features, and back to samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, FEATURE, Axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.contraction import distinct
from boulder.network.dims import NetDim
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.transposed_conv import Spread
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.windows import Window, named_windows, spatial_axes


@dataclass(frozen=True, kw_only=True)
class _Frames(ConcatLayer):
    """
    :param frame_shift: number of samples from a frame to the next
    :param frame_size: number of samples of a frame
    :param fft_size: number of points of the Fourier transform; None: `frame_size`
    :param in_spatial_dims: the axis; None: all but batch and feature, which must be one
    :param out_spatial_dims: a list with the `Dim` of the new axis
    :param use_time_mask: has no effect: padding is always masked
    """

    frame_shift: int
    frame_size: int
    fft_size: int | None = None
    in_spatial_dims: list[object] | None = None
    out_spatial_dims: list[NetDim] | None = None
    use_time_mask: bool = False

    @property
    def points(self) -> int:
        return self.fft_size or self.frame_size

    def checked_axis(self, template: Template, site: Site) -> Axis:
        """:raises NetworkError: for wrong sizes, or if there is not one axis to transform"""
        if min(self.frame_shift, self.frame_size) < 1 or self.points < self.frame_size:
            raise site.fail(
                "'frame_shift' and 'frame_size' must be at least 1, and 'fft_size' at least 'frame_size', found "
                f"{self.frame_shift}, {self.frame_size} and {self.points}"
            )
        axes = spatial_axes(template, self.in_spatial_dims, site)
        if len(axes) != 1:
            raise site.fail(
                f"needs one axis of time in its input {template}, found {', '.join(map(str, axes)) or 'none'}"
            )
        return axes[0]

    def named_axes(self, site: Site, output: Template) -> Iterable[tuple[NetDim, Axis | None]]:
        return [*super().named_axes(site, output), *named_windows(self.out_spatial_dims, output, site)]


@layer_class("stft")
@dataclass(frozen=True, kw_only=True)
class Stft(_Frames):
    """Short-time Fourier transform with Hann windows: samples → [..., frames, fft_size / 2 + 1], complex numbers.

    Only whole frames count. RETURNN: StftLayer.
    """

    def spec(self, site: Site) -> Template:
        template = site.input()
        if template.dtype != "float32" or (template.feature and template.feature.size != 1):
            raise site.fail(
                f"needs float32 samples, with a feature axis of size 1 or none, but its input is {template}"
            )
        axis = self.checked_axis(template, site)
        outer = [a for a in template.axes if a not in (axis, template.feature)]
        return Template(distinct([*outer, self._window.over(axis), Axis(FEATURE, self.points // 2 + 1)]), "complex64")

    @property
    def _window(self) -> Window:
        return Window(self.frame_size, self.frame_shift, 1, "valid")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = self.checked_axis(x.template, self.site(run))
        inner = [axis, *([x.template.feature] if x.template.feature else [])]
        samples, restore = x.collapsed(inner)
        samples = samples[..., 0] if x.template.feature else samples
        spectra = tf.signal.stft(samples, self.frame_size, self.frame_shift, self.points)
        new = run.template.axes[-2:]
        if new[0].kind in DYNAMIC:
            run.set_length_from(new[0], axis, self._window.count)
        return restore(spectra, new, run.template)


@layer_class("istft")
@dataclass(frozen=True, kw_only=True)
class Istft(_Frames):
    """The inverse of `stft`: frames of complex numbers → samples, with a feature axis of size 1.

    RETURNN: IstftLayer, in which the padding of shorter sequences reaches their last samples.
    """

    def spec(self, site: Site) -> Template:
        template = site.input()
        if template.dtype != "complex64" or template.dim != self.points // 2 + 1:
            raise site.fail(f"needs complex64 values with {self.points // 2 + 1} features, but its input is {template}")
        axis = self.checked_axis(template, site)
        outer = [a for a in template.axes if a not in (axis, template.feature)]
        return Template(distinct([*outer, self._spread.over(axis), Axis(FEATURE, 1)]))

    @property
    def _spread(self) -> Spread:
        return Spread(self.frame_size, self.frame_shift, max(self.frame_size - self.frame_shift, 0), 0)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = self.checked_axis(x.template, self.site(run))
        if axis.kind in DYNAMIC:
            x = x.made(tf.where(run.mask_over(x.axes, axis), x.value, tf.zeros([], x.value.dtype)), x.axes, x.template)
        spectra, restore = x.collapsed((axis, x.template.required(FEATURE)))
        window = tf.signal.inverse_stft_window_fn(self.frame_shift)
        samples = tf.signal.inverse_stft(spectra, self.frame_size, self.frame_shift, self.points, window)
        count = self._spread.count(tf.shape(spectra)[1])
        samples = tf.pad(samples, [[0, 0], [0, tf.maximum(0, count - tf.shape(samples)[1])]])[:, :count]
        new = run.template.axes[-2:]
        if new[0].kind in DYNAMIC:
            run.set_length_from(new[0], axis, self._spread.count)
        return restore(samples[..., None], new, run.template)


@layer_class("mel_filterbank")
@dataclass(frozen=True, kw_only=True)
class MelFilterbank(ConcatLayer):
    """Sums of the features, which are the bins of a spectrum, by triangular filters that are equally wide on the mel scale.

    Equation 6.141 of Huang, Acero & Hon 2001. RETURNN: MelFilterbankLayer.

    :param sampling_rate: of the sound, in Hz
    :param fft_size: number of points of the Fourier transform
    :param nr_of_filters: number of filters
    :param f_min: where the first filter begins, in Hz; None: 0
    :param f_max: where the last filter ends, in Hz; None: half the sampling rate
    """

    sampling_rate: float = 16000
    fft_size: int = 1024
    nr_of_filters: int = 80
    f_min: float | None = None
    f_max: float | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        bins = self.fft_size // 2 + 1
        if site.dense_dim(template) != bins:
            raise site.fail(f"'fft_size' {self.fft_size} makes {bins} bins of a spectrum, but its input is {template}")
        if self.n_out not in (None, self.nr_of_filters):
            raise site.fail(f"'n_out' must be 'nr_of_filters', {self.nr_of_filters}, found {self.n_out}")
        low, high = self.f_min or 0, self.f_max or self.sampling_rate / 2
        if self.nr_of_filters < 1 or not 0 <= low < high <= self.sampling_rate / 2:
            raise site.fail(
                f"needs a filter, and 0 ≤ 'f_min' < 'f_max' ≤ {self.sampling_rate / 2}, found {self.nr_of_filters}, {low}, {high}"
            )
        return template.with_feature(self.nr_of_filters)

    @property
    def matrix(self) -> numpy.ndarray:
        """:return: float32 [bins, filters]"""
        low, high = (1125.0 * numpy.log(1 + f / 700) for f in (self.f_min or 0, self.f_max or self.sampling_rate / 2))
        mels = low + numpy.arange(self.nr_of_filters + 2) * ((high - low) / (self.nr_of_filters + 1))
        centres = (self.fft_size / self.sampling_rate * 700.0 * (numpy.exp(mels / 1125) - 1)).astype("float32")
        bins = numpy.arange(self.fft_size // 2 + 1)[:, None]
        before, centre, after = centres[:-2], centres[1:-1], centres[2:]
        rising, falling = (bins - before) / (centre - before), (after - bins) / (after - centre)
        return numpy.where(bins < centre, rising, falling).clip(0).astype("float32")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources).feature_last()
        feature = run.template.required(FEATURE)

        def filtered(value: TFTensor, matrix: TFTensor) -> TFTensor:
            return tf.linalg.matmul(tf.reshape(value, [-1, value.shape[-1]]), matrix)

        y = product(filtered, x.value, tf.constant(self.matrix))
        y = tf.reshape(y, tf.concat([tf.shape(x.value)[:-1], [feature.size]], 0))
        return x.made(tf.ensure_shape(y, [*x.value.shape[:-1], feature.size]), (*x.axes[:-1], feature), run.template)


@layer_class("dct")
@dataclass(frozen=True, kw_only=True)
class Dct(ConcatLayer):
    """Discrete cosine transform of the features, as of `tf.signal.dct`. RETURNN: DctLayer.

    :param type: type of the transform
    :param n: only None: as many outputs as features
    :param norm: "ortho" for an orthogonal matrix
    """

    type: Literal[1, 2, 3, 4] = 2
    n: None = None
    norm: Literal["ortho"] | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        if site.dense_dim(template) < 2:
            raise site.fail(f"needs at least two features, but its input is {template}")
        if self.type == 1 and self.norm:
            raise site.fail("type 1 has no 'norm'")
        return template

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return run.input(sources).feature_last().mapped(lambda value: tf.signal.dct(value, self.type, norm=self.norm))
