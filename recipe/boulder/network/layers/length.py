"""`length`: the lengths of the sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import BATCH, BEAM, DYNAMIC, Axis, Batch, StaticTime
from boulder.network.axis_names import find_axis
from boulder.network.flat_axes import is_flat
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.decide import is_of_hypotheses
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import keeps_axis


@layer_class("length")
@dataclass(frozen=True, kw_only=True)
class Length(Layer):
    """
    The number of entries of each sequence along an axis; one number for a static axis, for the batch and for "sparse_dim".

    RETURNN: LengthLayer, where lengths are int32 in any case.

    :param axis: see `boulder.network.axis_names`; "sparse_dim" for the number of classes
    :param add_time_axis: adds a time axis of size 1
    :param dtype: of the numbers
    :param sparse: has no effect: there is no number of classes
    """

    axis: object = "T"
    add_time_axis: bool = False
    dtype: Literal["int32", "int64", "float32"] = "int32"
    sparse: bool = False

    def spec(self, site: Site) -> Template:
        name, template = site.only_source()
        axis = self._axis(template, site)
        outer: tuple[Axis, ...] = ()
        if axis is None:
            if template.sparse_dim is None:
                raise site.fail(f"axis 'sparse_dim' needs class indices, but {name!r} is {template}")
        elif axis.kind in DYNAMIC and axis.size is None:
            beam = template.axis(BEAM)
            outer = (Batch, beam) if beam and is_of_hypotheses(axis) else (Batch,)
        if self.add_time_axis and outer != (Batch,):
            raise site.fail(
                f"'add_time_axis' needs a length for each sequence, found {axis or 'classes'} of {template}"
            )
        return Template((*outer, StaticTime(1)) if self.add_time_axis else outer, self.dtype)

    def _axis(self, template: Template, site: Site) -> Axis | None:
        return None if self.axis == "sparse_dim" else find_axis(template, self.axis, site)

    def widening(self, w: Widening) -> None:
        x = w.sources[0]
        axis = self._axis(x.new, w.site())
        if axis is not None:
            keeps_axis(w, x, axis, "counts the entries of this axis")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        template = sources[0].template
        axis = self._axis(template, self.site(run, *sources))
        if axis is None:
            value = tf.constant(template.sparse_dim)
        elif axis.kind == BATCH:
            value = run.batch_size
            for flat in filter(is_flat, template.axes):
                value = tf.reduce_sum(run.length(flat)) if flat.size is None else value * flat.size
        elif axis.size is not None:
            value = tf.constant(axis.size)
        else:
            outer = [a for a in run.template.axes if a.kind in (BATCH, BEAM)]
            value = tf.broadcast_to(run.length_over(outer, axis), run.shape(outer))
        value = tf.cast(value, self.dtype)
        return run.tensor(value[:, None] if self.add_time_axis else value, run.template.axes, run.template)
