"""`positional_encoding`: sinusoids of the position; `relative_positional_encoding`: a vector for each distance."""

import math
from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, FEATURE, LOOP, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim, fitting
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.history import history, is_history, set_lengths
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@layer_class("positional_encoding")
@dataclass(frozen=True, kw_only=True)
class PositionalEncoding(FurtherSources):
    """Sinusoids of the position (Vaswani et al. 2017). In a loop, it is the number of the iteration. RETURNN: PositionalEncodingLayer.

    :param axis: axis of the positions; None: the time axis
    :param add_to_input: add the encoding to the input instead of returning it alone
    :param constant: if not negative, the position of all frames
    :param offset: layer that gives an int per sequence or per frame, added to the positions
    """

    further: ClassVar = ("offset",)

    axis: object = None
    add_to_input: bool = False
    constant: int = -1
    offset: str | None = None

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        if self.add_to_input:
            site.dense_dim(template)
            output = template
        else:
            output = Template(template.axes).with_feature(site.out_dim())
        if self._axis(template, site) not in (*output.axes, site.loop):
            raise site.fail(f"'axis' must be a time or spatial axis, found {self.axis!r} of {template}")
        _, further = self.divided(site.sources)
        for name, offset in further.values():
            lacking = [a for a in offset.axes if a not in template.axes]
            if not offset.dtype.startswith("int") or lacking or offset.feature:
                raise site.fail(
                    f"'offset' must have an int per sequence or frame of {template}, but {name!r} is {offset}"
                )
        return output

    def _axis(self, template: Template, site: Site) -> Axis:
        return frames_axis(template, site) if self.axis is None else find_axis(template, self.axis, site)

    def widening(self, w: Widening) -> None:
        x = w.input()
        w.tie_axes(x, [] if self.add_to_input else [axis for axis in x.new.axes if axis.kind == FEATURE])
        w.keep(
            w.output.feature,
            "makes sinusoids, which depend on the number of features; a linear layer behind it can get wider instead",
        )

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, further = self.divided(sources)
        x = run.input(own).feature_last()
        outer = tuple(a for a in x.axes if a != x.template.feature)
        if self.constant >= 0:
            positions = tf.fill([1] * len(outer), self.constant)
        elif run.frame is not None and not x.template.time and self.axis is None:
            positions = tf.fill([1] * len(outer), run.frame)
        else:
            axis = self._axis(x.template, self.site(run))
            positions = tf.range(tf.shape(x.value)[x.axes.index(axis)])
            positions = Tensor(positions, (axis,), Template((axis,), "int32")).ordered(outer)
        if "offset" in further:
            positions += tf.cast(further["offset"].ordered(outer), tf.int32)
        feature = run.template.required(FEATURE)
        signal = sinusoids(positions, feature.known_size)
        if self.add_to_input:
            return x.mapped(lambda value: value + signal)
        shape = tf.concat([tf.shape(x.value)[: len(outer)], [feature.size]], 0)
        return x.made(tf.broadcast_to(signal, shape), (*outer, feature), run.template)


@layer_class("relative_positional_encoding")
@dataclass(frozen=True, kw_only=True)
class RelativePositionalEncoding(ConcatLayer):
    """Encodes the distance between each query frame and each key frame: [queries, keys, n_out].

    In an iteration of a loop, the query is the current frame and the keys are the frames so far: [keys, n_out].
    Shaw, Uszkoreit & Vaswani 2018. RETURNN: RelativePositionalEncodingLayer.

    Parameter: encoding_matrix [2 · clipping + 1, n_out].

    :param clipping: distances are clipped to -clipping … clipping
    :param fixed: use sinusoids instead of a parameter; RETURNN then fails where `n_out` is less than 4
    :param forward_weights_init: initializer of the parameter
    :param query_spatial_dim: axis of the queries: a `Dim` that a layer before this one has defined, or an axis of the input;
        None: the time axis
    :param key_value_spatial_dim: axis of the keys, likewise; None: the frames of the queries as keys
    :param query_offset: number of keys before the first query; in a loop, in each iteration (RETURNN's then replaces the frame's number)
    """

    forward_weights_init: str | float | dict = "glorot_uniform"
    clipping: int = 16
    fixed: bool = False
    query_spatial_dim: object = None
    key_value_spatial_dim: object = None
    query_offset: int | None = None

    def spec(self, site: Site) -> Template:
        template, n = site.input(), site.out_dim()
        if self.clipping < 1:
            raise site.fail(f"'clipping' must be at least 1, found {self.clipping}")
        if not self.fixed:
            site.param("encoding_matrix", (2 * self.clipping + 1, n), self.forward_weights_init)
        given = {
            option: self._given(option, template, site)
            for option in ("query_spatial_dim", "key_value_spatial_dim")
            if getattr(self, option) is not None
        }
        queries = given.get("query_spatial_dim") or frames_axis(template, site)
        keys = given.get("key_value_spatial_dim") or keys_axis(queries)
        if queries not in template.axes and queries == site.loop:
            if keys != keys_axis(queries) and not is_history(keys, queries):
                raise site.fail(
                    "in an iteration of a loop the query is the current frame and the keys are the frames so far; expected no "
                    f"'key_value_spatial_dim', or the axis of a 'cum_concat', found {keys}"
                )
            return Template((keys,)).with_feature(n)
        return Template((queries, keys if keys != queries else keys_axis(queries))).with_feature(n)

    def _given(self, option: str, template: Template, site: Site) -> Axis:
        description, loop = getattr(self, option), site.loop
        if isinstance(description, NetDim) and loop and (description.is_single_step or description.same_axis(loop)):
            return loop
        if isinstance(description, NetDim) and not fitting(description, template.axes):
            if description.axis:
                return description.axis
            if loop and option == "key_value_spatial_dim" and description.size is None:
                return description.defined(history(loop, description.name), site.where)
        axis = find_axis(template, description, site)
        if axis.kind in (BATCH, FEATURE):
            raise site.fail(f"{option!r} must be an axis of frames, found {axis} of {template}")
        return axis

    def widening(self, w: Widening) -> None:
        if self.fixed:
            w.keep(w.output.feature, "makes sinusoids, which depend on the number of features")
            return
        w.param("encoding_matrix", None, w.output.feature)
        w.own(w.output.feature)
        w.scalable("encoding_matrix", 1)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        *queries, keys, feature = run.template.axes
        x = run.input(sources)
        rows = 2 * self.clipping + 1
        vectors = sinusoids(tf.range(rows), feature.known_size) if self.fixed else run.param("encoding_matrix")
        if not queries:
            run.lengths.set_of_iteration(keys, run.frame + 1)
            query = run.frame + (self.query_offset or 0)
            encoding = relative_encoding(vectors, query[None], tf.range(run.frame + 1))[0]
            return x.made(encoding, run.template.axes, run.template)
        if keys == keys_axis(queries[0]):
            run.set_length_from(keys, queries[0], lambda n: n)
        elif is_history(keys, queries[0]):
            set_lengths(run, keys, queries[0])
        num_queries, num_keys = tf.unstack(run.shape([queries[0], keys]))
        positions = tf.range(num_queries) + (self.query_offset or 0)
        return x.made(relative_encoding(vectors, positions, tf.range(num_keys)), run.template.axes, run.template)


def frames_axis(template: Template, site: Site) -> Axis:
    """
    :return: the time axis; without one, the loop axis. A layer computed frame by frame is within that loop; a layer
        computed for all frames at once has the loop axis in `template`
    :raises NetworkError: if there is neither
    """
    loop = site.loop or next((axis for axis in reversed(template.axes) if axis.kind == LOOP), None)
    axis = template.time or loop
    if axis is None:
        raise site.fail(f"needs a time axis, but its input is {template}")
    return axis


def relative_template(queries: Axis, template: Template, size: int) -> Template:
    """
    :param queries: see `frames_axis`
    :param template: of all frames, or of a single frame in a loop
    :return: template of an encoding, [queries, keys, size] or [keys, size]
    """
    keys = keys_axis(queries)
    return Template((queries, keys) if queries in template.axes else (keys,)).with_feature(size)


def keys_axis(queries: Axis) -> Axis:
    """:return: an axis distinct from `queries` for the same frames in their role as keys"""
    return Axis(TIME, None, ("keys", queries.origin))


def sinusoids(positions: TFTensor, size: int) -> TFTensor:
    """Vaswani et al. 2017 in the layout of Tensor2Tensor: all sines, then all cosines, wavelengths from 2π to 20000π.

        y[p, i] = sin(p / 10000^(i / (m - 1)))        y[p, m + i] = cos(p / 10000^(i / (m - 1)))        m = ⌊size / 2⌋

    :param positions: int32 [...]
    :return: float32 [..., size], padded with a 0 if `size` is odd
    """
    m = size // 2
    frequencies = tf.exp(-math.log(1e4) / max(1, m - 1) * tf.range(m, dtype=tf.float32))
    angles = tf.cast(positions, tf.float32)[..., None] * frequencies
    zeros = tf.zeros_like(positions, tf.float32)[..., None]
    return tf.concat([tf.sin(angles), tf.cos(angles)] + [zeros] * (size % 2), axis=-1)


def relative_encoding(vectors: TFTensor, queries: TFTensor, keys: TFTensor) -> TFTensor:
    """
    :param vectors: [2 · clipping + 1, n], for the distances -clipping … clipping
    :param queries: int32 [Q], positions
    :param keys: int32 [K], positions
    :return: [Q, K, n]
    """
    clipping = vectors.shape[0] // 2
    return tf.gather(vectors, tf.clip_by_value(keys - queries[:, None], -clipping, clipping) + clipping)
