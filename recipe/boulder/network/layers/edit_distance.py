"""`edit_distance`: number of substitutions, insertions and deletions between two sequences of labels."""

from __future__ import annotations

from dataclasses import dataclass, field

from boulder.lazy import TFTensor, tf
from boulder.network.axes import TIME, Axis, Batch
from boulder.network.axis_names import find_axis
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("edit_distance")
@dataclass(frozen=True, kw_only=True)
class EditDistance(Layer):
    """Fewest edits that make one sequence of labels the other one, for each sequence of the batch. RETURNN: EditDistanceLayer.

    :param a: layer or data stream with labels
    :param b: the other one
    :param a_spatial_dim: time axis of `a`, see `boulder.network.axis_names`; None: "T"
    :param b_spatial_dim: likewise of `b`
    """

    sources: str | list[str] = field(default_factory=list)
    a: str
    b: str
    a_spatial_dim: object = None
    b_spatial_dim: object = None

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (self.a, self.b)

    def spec(self, site: Site) -> Template:
        if self.source_names():
            raise site.fail(f"reads 'a' and 'b' only, found 'from': {self.sources!r}")
        if site.loop is not None:
            raise site.fail("found in a loop, expected outside of it: it needs whole sequences")
        for option, (name, template) in zip("ab", site.sources, strict=True):
            given = getattr(self, f"{option}_spatial_dim")
            time = template.time if given is None else find_axis(template, given, site)
            labels = template.dtype.startswith("int") and template.feature is None
            if time is None or time.kind != TIME or not labels or set(template.axes) != {Batch, time}:
                raise site.fail(f"{option!r}: {name!r} is {template}, expected a sequence of class indices")
        (_, a), (_, b) = site.sources
        if a.sparse_dim and b.sparse_dim and a.sparse_dim != b.sparse_dim:
            raise site.fail(f"'a' has {a.sparse_dim} classes and 'b' {b.sparse_dim}, expected the same")
        return Template((Batch,), "int32")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        (a, a_lengths), (b, b_lengths) = (_labels(run, x, x.template.required(TIME)) for x in sources)
        distance = edit_distance(a, a_lengths, b, b_lengths)
        return sources[0].made(tf.cast(distance, tf.int32), (Batch,), run.template)


def _labels(run: LayerRun, x: Tensor, time: Axis) -> tuple[TFTensor, TFTensor]:
    return x.ordered((Batch, time)), run.length(time)


def edit_distance(a: TFTensor, a_lengths: TFTensor, b: TFTensor, b_lengths: TFTensor) -> TFTensor:
    """
    :param a: int [B, N]
    :param a_lengths: int32 [B]
    :param b: int [B, M]
    :param b_lengths: int32 [B]
    :return: float32 [B]
    """
    found, truth = (_sparse(x, lengths) for x, lengths in ((a, a_lengths), (b, b_lengths)))
    return tf.edit_distance(found, truth, normalize=False)


def _sparse(labels: TFTensor, lengths: TFTensor) -> TFTensor:
    """:return: SparseTensor of the labels without padding"""
    where = tf.where(tf.sequence_mask(lengths, tf.shape(labels)[1]))
    shape = tf.shape(labels, out_type=tf.int64)
    return tf.SparseTensor(where, tf.gather_nd(tf.cast(labels, tf.int64), where), shape)
