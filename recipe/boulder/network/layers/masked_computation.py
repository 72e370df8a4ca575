"""`masked_computation`: a layer that is computed for some frames only; `unmask`: its output for all frames again.

RETURNN: MaskedComputationLayer, UnmaskLayer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.axes import BEAM, DYNAMIC, TIME, Axis
from boulder.network.dims import NetDim
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.axes import over_loop, within
from boulder.network.loop.subnet import WORDS
from boulder.network.masking.axes import with_outer
from boulder.network.masking.describing import SpatialDims, describe_masked
from boulder.network.masking.nodes import Repeat, repeated
from boulder.network.masking.subnet import MaskedSubnet
from boulder.network.names import Place
from boulder.network.nesting import is_subnetwork
from boulder.network.subnet import Container, Inner
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@layer_class("masked_computation")
@dataclass(frozen=True, kw_only=True)
class MaskedComputation(Container):
    """
    A layer, the `unit`, that is computed only for the frames where a mask is True.

    Outside of loops its output has these frames only. In a loop its state and output stay as they were in the other frames.
    A loss of the unit is that of the masked computation; those of layers within the unit do not count.

    RETURNN: MaskedComputationLayer, which names the score of the unit's loss `NAME/NAME`, and whose search for a shorter
    sequence depends on the longer ones of the batch if the unit is a recurrent layer.

    :param mask: layer of bool, whether a frame is selected
    :param unit: options of the layer. It reads the layers around it by their names, in the selected frames, and `from` as `data`
    :param sources: what the unit reads as `data`; without it, what its surroundings call so
    :param masked_from: in place of `from`, a layer that has the selected frames only; `mask` is not read then
    :param in_spatial_dim: `Dim` of the axis of the mask, which is checked; of a single iteration of a loop: its frame
    :param out_spatial_dim: `Dim` of the axis of the selected frames; without effect in a loop, whose output has all frames
    """

    sources: str | list[str] = field(default_factory=list)
    mask: str
    unit: dict
    masked_from: str | None = None
    in_spatial_dim: NetDim | None = None
    out_spatial_dim: NetDim | None = None

    @property
    def differs_by_frame(self) -> bool:  # type: ignore[override]  # it depends on the options
        return self.masked_from is None

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (self.masked_from,) if self.masked_from else (self.mask, *self.source_names())

    def held_layers(self) -> Mapping[str, object] | None:
        return self.unit["subnetwork"] if is_subnetwork(self.unit) else None

    def inner(self, place: Place) -> Inner:
        if len(self.source_names()) > 1:
            raise NetworkError(
                f"{place.where}: takes one source, found {len(self.source_names())}; 'copy' joins several"
            )
        if self.initial_output is not None:
            raise NetworkError(f"{place.where}: 'initial_output' must be an option of its 'unit'")
        if self.loss and self.unit.get("loss"):
            raise NetworkError(f"{place.where}: has a loss, and its 'unit' has another one; one of them must go")
        if self.L2:
            raise NetworkError(f"{place.where}: 'L2' must be an option of its 'unit'")
        mask = None if self.masked_from else place.sources[0]
        input_ = place.sources[-1] if self.masked_from or self.source_names() else None
        subnet = MaskedSubnet(self.unit, place, input_, mask, self.name_scope)
        named = SpatialDims(self.in_spatial_dim, self.out_spatial_dim)
        return Inner(subnet, partial(describe_masked, subnet, self.first_value(place.where), named))

    def given_initial_output(self) -> object:
        return self.unit.get("initial_output")

    def first_value(self, where: str) -> float:
        """
        :return: the output before the first selected frame
        :raises NetworkError: if it is no number
        """
        value = self.given_initial_output()
        value = WORDS.get(value, value) if isinstance(value, str) else value
        if value is not None and not isinstance(value, bool | int | float):
            raise NetworkError(
                f"{where}: 'initial_output' of its 'unit' must be a number, 'zeros' or 'ones', found {value!r}"
            )
        if self.unit.get("class") == "rec" and self.unit.get("initial_state") not in (None, 0, "zeros"):
            raise NetworkError(
                f"{where}: 'initial_state' of its 'unit' must be zeros; a layer of a 'subnetwork' as the unit may have another"
            )
        return float(value or 0)

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return replace(output, template=run.template)


@layer_class("unmask")
@dataclass(frozen=True, kw_only=True)
class Unmask(Layer):
    """
    The output of a masked computation for all frames: in a frame that was not selected, that of the latest selected one.

    Before the first selected frame it is 0. RETURNN: UnmaskLayer.

    :param mask: the mask of the masked computation
    """

    differs_by_frame: ClassVar[bool] = True

    mask: str

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (*self.source_names(), self.mask)

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 2:
            raise site.fail(f"takes one source and a mask, found {len(site.sources) - 1} sources")
        (source, x), (name, mask) = site.sources
        if mask.dtype != "bool":
            raise site.fail(f"'mask' must be bool, but {name!r} is {mask}")
        masked = site.layer_of(source)
        if isinstance(masked, MaskedComputation) and masked.first_value(site.where):
            raise site.fail(
                f"the output of {source!r} before the first selected frame must be 0, see its 'initial_output'"
            )
        axis = _frames(site, mask)
        if axis is None and site.loop is None:
            raise site.fail(f"'mask' needs a time axis, but {name!r} is {mask}")
        if x.time is not None and mask.axis(BEAM) and not x.axis(BEAM):
            raise site.fail(
                f"the mask {name!r} is that of hypotheses, but {source!r} has the same frames for all of them; in a search, "
                "'masked_from' must be absent"
            )
        if x.time is None and (axis is None or site.loop is not None):
            return x  # a masked computation in the loop has repeated its output already
        if x.time is None:
            raise site.fail(f"needs a source with a time axis, but {source!r} is {x}")
        if x.time == axis:
            return x
        if axis is None:
            return with_outer(within(x, x.time), mask)
        if axis == site.loop:
            return over_loop(with_outer(within(x, x.time), mask), axis)
        return with_outer(x.with_axis_replaced(x.time, axis), mask)

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        (_, x), (_, mask) = site.sources
        if site.loop is None or x.time is None or _frames(site, mask):
            return {}
        return {"t": Template(tuple(axis for axis in mask.axes), "int32")}

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        x, mask = sources
        count = state["t"]
        latest = count.value + tf.cast(mask.ordered(count.axes), tf.int32)
        return repeated(run, x, x.template.required(TIME), latest, count.axes), {"t": replace(count, value=latest)}

    def widening(self, w: Widening) -> None:
        w.tie_in_order(w.sources[0])

    def compute(self, run: LayerRun, x: Tensor, mask: Tensor) -> Tensor:
        selected = x.template.time
        if selected is None or selected in run.template.axes:
            return replace(x, template=run.template)
        axis = next(axis for axis in mask.axes if axis.kind in DYNAMIC)
        return Repeat(axis=axis, selected=selected).compute(run, x, mask)


def _frames(site: Site, mask: Template) -> Axis | None:
    """:return: the axis of the frames of the mask; None for a single iteration of a loop"""
    return site.loop if site.loop in mask.axes else mask.time
