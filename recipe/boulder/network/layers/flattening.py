"""`flatten_batch` makes an axis a part of the batch; `unflatten_batch` and `split_batch_time` make it an axis of its own again.

See `boulder.network.flat_axes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.network.axes import BATCH, DYNAMIC, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.flat_axes import flattened, is_flat, unflattened
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along, renames


@layer_class("flatten_batch")
@dataclass(frozen=True, kw_only=True)
class FlattenBatch(ConcatLayer):
    """The input with an axis as a part of the batch, so that other layers and losses treat frames like sequences.

    RETURNN: FlattenBatchLayer, which merges it with the batch. Frames of the padding are no part of a result here either.

    :param axis: see `boulder.network.axis_names`
    :param batch_major: has no effect: the order of frames within the batch does not matter
    """

    axis: object = "T"
    batch_major: bool = True

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = find_axis(template, self.axis, site)
        if axis.kind == BATCH or template.batch is None:
            raise site.fail(f"needs a batch and another axis to merge into it, found {axis} of {template}")
        if axis.size is None and axis.kind not in DYNAMIC:
            raise site.fail(f"cannot merge axis {axis} of {template} into the batch")
        return template.with_axis_replaced(axis, flattened(axis))

    def widening(self, w: Widening) -> None:
        along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = find_axis(x.template, self.axis, self.site(run))
        new = flattened(axis)
        if axis.size is None:
            run.set_length_from(new, axis, lambda n: n)
        return x.renamed({axis: new}, run.template)


@layer_class("unflatten_batch")
@dataclass(frozen=True, kw_only=True)
class UnflattenBatch(ConcatLayer):
    """The input of `flatten_batch`, with the axis that is a part of the batch as an axis of its own. RETURNN: UnflattenBatchLayer."""

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = _flat_axis(template, site)
        return template.with_axis_replaced(axis, unflattened(axis))

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = _flat_axis(x.template, self.site(run))
        return x.renamed({axis: unflattened(axis)}, run.template)


@layer_class("split_batch_time")
@dataclass(frozen=True, kw_only=True)
class SplitBatchTime(FurtherSources):
    """The time axis that `merge_dims` has merged into the batch, as an axis of its own. RETURNN: SplitBatchTimeLayer.

    :param base: layer with that time axis
    """

    further: ClassVar[tuple[str, ...]] = ("base",)
    base: str = "data"

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        axis = _flat_axis(template, site)
        name, base = self.divided(site.sources)[1]["base"]
        if unflattened(axis) not in base.axes:
            raise site.fail(f"'base' must have the axis {unflattened(axis)}, but {name!r} is {base}")
        return template.with_axis_replaced(axis, unflattened(axis))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(self.divided(sources)[0])
        axis = _flat_axis(x.template, self.site(run))
        return x.renamed({axis: unflattened(axis)}, run.template)


def _flat_axis(template: Template, site: Site) -> Axis:
    found = [axis for axis in template.axes if is_flat(axis)]
    if len(found) != 1:
        raise site.fail(
            f"needs one axis that is a part of the batch, as 'flatten_batch' makes it, but its input is {template}"
        )
    return found[0]
