"""Describes a masked computation: the selection of frames, the unit, and the way back to all frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.errors import NetworkError
from boulder.network.axes import Axis
from boulder.network.dims import NetDim
from boulder.network.layer import Layer, Site
from boulder.network.loop.axes import over_loop
from boulder.network.loop.beams import Chooser
from boulder.network.loss_check import checked_losses
from boulder.network.masking.axes import along, masked_axis, with_outer
from boulder.network.masking.nodes import HELD, Frozen, Held, Repeat, Select, SelectedLabels, Selection
from boulder.network.masking.subnet import UNIT, MaskedSubnet
from boulder.network.plain import Description, Exposed
from boulder.network.reading import warn_of_ignored_loss
from boulder.network.refs import Ref
from boulder.network.specs import InnerSpec, LayerSpec
from boulder.network.subnet import Node, TemplateOf
from boulder.network.template import Template


@dataclass(frozen=True)
class SpatialDims:
    """
    `Dim`s of a masked computation; each may be None.

    :param all_frames: of the axis of the mask
    :param selected: of the axis that it makes
    """

    all_frames: NetDim | None
    selected: NetDim | None

    def check(self, axis: Axis | None, where: str) -> None:
        """
        :param axis: of the mask; None for a single iteration of a loop
        :raises NetworkError: if `all_frames` is another axis
        """
        dim = self.all_frames
        if axis is None or dim is None or dim.is_single_step or dim.same_axis(axis.as_time()):
            return
        known = f"is the axis {dim.axis}" if dim.axis else "is no axis of a data stream or of a layer before it"
        raise NetworkError(f"{where}: 'in_spatial_dim', {dim}, {known}, but the mask is along {axis}")

    def named(self, axis: Axis, where: str) -> Axis:
        """
        :param axis: of the selected frames
        :return: the axis with the name of `selected`
        """
        return axis if self.selected is None else self.selected.defined(axis, where)


def describe_masked(
    subnet: MaskedSubnet, initial: float, dims: SpatialDims, outer: TemplateOf, loop: Axis | None
) -> InnerSpec:
    """
    :param initial: the output before the first selected frame of a loop
    :param dims: of the options
    :param outer: templates of the surroundings
    :param loop: axis of the loop around the layer
    :raises NetworkError: names the layer, what was found and what was expected
    """
    mask = outer(subnet.mask) if subnet.mask else None
    if mask is None:
        return _Selected(subnet, initial, outer, loop).inner_spec()
    if mask.dtype != "bool":
        raise NetworkError(f"{subnet.place.where}: 'mask' must be bool, but {subnet.mask.text!r} is {mask}")  # type: ignore[union-attr]
    axis = _axis(subnet, mask, outer, loop)
    dims.check(axis, subnet.place.where)
    if axis == loop and axis:
        return _Selecting(subnet, initial, outer, axis, None, mask).inner_spec()
    if axis:
        return _Selecting(subnet, initial, outer, axis, axis, mask, dims).inner_spec()
    return _Frozen(subnet, initial, outer, loop, mask).inner_spec()


def _axis(subnet: MaskedSubnet, mask: Template, outer: TemplateOf, loop: Axis | None) -> Axis | None:
    """:return: the axis of the frames that the mask selects; None for a single iteration of a loop"""
    if loop and (loop in mask.axes or (subnet.input and loop in outer(subnet.input).axes)):
        return loop
    if mask.time or loop:
        return mask.time
    raise NetworkError(f"{subnet.place.where}: 'mask' needs a time axis, but it is {mask}")


class _Selected(Description):
    """The frames are selected already, with `masked_from`."""

    subnet: MaskedSubnet

    def __init__(self, subnet: MaskedSubnet, initial: float, outer: TemplateOf, loop: Axis | None):
        super().__init__(subnet, outer, loop)
        self.subnet, self.initial = subnet, initial

    def inner_spec(self) -> InnerSpec:
        """:return: everything but the layer itself"""
        for name, ref in self.subnet.inputs.items():
            self.add_input(f"{self.subnet.name}/data:{name}", ref, self.template(ref))
        spec = self.result()
        result = self.left(UNIT, f"{self.subnet.name}/:output")
        inner = InnerSpec(**vars(spec), output=result.template, result=result.name, states=self.states())
        for name in self.subnet.wanted():
            local = name.removeprefix(f"{UNIT}/")
            inner.exposed[local] = self.left(name, self.subnet.from_outside(local).key)
        return inner

    def add_loss(self, node: Node, site: Site, template: Template) -> None:
        """The loss of the unit is that of the masked computation."""
        holder = "the layer 'masked_computation' itself"
        if node.name != UNIT:
            reason = "it is in a 'subnetwork' as the unit of a masked computation"
            warn_of_ignored_loss(node.where, reason, f"the layer out of it, or the loss to {holder}")
        elif self.loop:
            raise site.fail(f"its loss is not possible in a loop, where RETURNN fails; move it to {holder}")
        else:
            [loss] = checked_losses(node, template, self.template, site).values()
            self.spec.losses[self.subnet.name] = replace(loss, layer=self.subnet.name)

    def add_input(self, key: str, ref: Ref, template: Template) -> None:
        """Adds what the unit reads of its surroundings."""
        self.put(key, Exposed(), (ref.key,), template)

    def left(self, name: str, key: str) -> LayerSpec:
        """
        Adds a layer of the unit, as the surroundings see it.

        :param key: absolute name for it
        """
        return self.put(key, Exposed(), (self.subnet.key(name),), self.spec.layers[self.subnet.key(name)].template)

    def states(self) -> dict[str, dict[str | None, Template]]:
        """:return: layer → its state within an iteration of a loop"""
        return {}

    def put(self, key: str, layer: Layer, sources: tuple[str, ...], template: Template) -> LayerSpec:
        self.spec.layers[key] = LayerSpec(key, layer, sources, template, ())
        return self.spec.layers[key]


class _Masked(_Selected):
    def __init__(self, subnet: MaskedSubnet, initial: float, outer: TemplateOf, loop: Axis | None, mask: Template):
        super().__init__(subnet, initial, outer, loop)
        assert subnet.mask
        self.mask, self.mask_key = mask, subnet.mask.key


class _Selecting(_Masked):
    """All frames at once: the unit is computed for the selected ones, along an axis of their own."""

    def __init__(
        self,
        subnet: MaskedSubnet,
        initial: float,
        outer: TemplateOf,
        axis: Axis,
        time: Axis | None,
        mask: Template,
        dims: SpatialDims | None = None,
    ):
        """
        :param axis: of all frames
        :param time: the same, unless it is the iterations of a loop around the layer
        :param dims: which name the axis of the selected frames
        """
        self.axis, self.time = axis, time
        assert subnet.mask
        self.selected = masked_axis(axis, subnet.mask.key)
        if dims:
            self.selected = dims.named(self.selected, subnet.place.where)
        super().__init__(subnet, initial, outer, self.selected if time is None else None, mask)
        only_mask = Template((self.selected,), "int32")
        self.selection = self.put(
            f"{subnet.name}/:selection",
            Selection(axis=axis, selected=self.selected),
            (self.mask_key,),
            with_outer(only_mask, mask),
        ).name

    def add_input(self, key: str, ref: Ref, template: Template) -> None:
        source = (ref.key,)
        if ref == self.subnet.input and self.time is None:
            template = over_loop(template, self.axis)
        elif ref == self.subnet.input and self.axis not in template.axes:
            raise NetworkError(
                f"{self.subnet.place.where}: 'mask' is along {self.axis}, but its input {ref.text!r} is {template}; "
                "'reinterpret_data' with 'size_base' gives one the axis of the other"
            )
        if self.axis in template.axes:
            template = along(template, self.axis, self.selected, self.mask)
            self.put(key, Select(axis=self.axis), (*source, self.selection), template)
        else:
            super().add_input(key, ref, template)

    def left(self, name: str, key: str) -> LayerSpec:
        x = self.spec.layers[self.subnet.key(name)]
        if self.time:
            return super().left(name, key)
        if self.selected not in x.template.axes:
            raise NetworkError(
                f"{self.subnet.place.where}: {self.subnet.path(name)!r} does not depend on the frame; keep it out of the loop"
            )
        layer = Repeat(axis=self.axis, selected=self.selected, initial=self.initial if name == UNIT else 0.0)
        template = over_loop(x.template.with_axis_replaced(self.selected, self.axis), self.axis)
        return self.put(key, layer, (x.name, self.mask_key), template)


class _Frozen(_Masked):
    """One iteration of a loop: where the mask is False, states and outputs stay as they were."""

    def __init__(self, subnet: MaskedSubnet, initial: float, outer: TemplateOf, loop: Axis | None, mask: Template):
        super().__init__(subnet, initial, outer, loop, mask)
        self._states: dict[str, dict[str | None, Template]] = {}

    def states(self) -> dict[str, dict[str | None, Template]]:
        return self._states

    def add_input(self, key: str, ref: Ref, template: Template) -> None:
        if template.sparse_dim is None:
            super().add_input(key, ref, template)
            return
        self.put(key, SelectedLabels(), (ref.key, self.mask_key), with_outer(template, self.mask))

    def add(self, site: Site, sources: tuple[str, ...], template: Template) -> None:
        if isinstance(site.layer, Chooser):
            raise site.fail("is not possible in a masked computation")
        state = site.layer.state(site, with_outer(template, self.mask))
        if not state:
            super().add(site, sources, template)
            return
        self._states[site.name] = state
        layer, template = Frozen.of(site.layer), with_outer(template, self.mask)
        self.spec.layers[site.name] = LayerSpec(
            site.name, layer, (*sources, self.mask_key), template, tuple(site.params), borrowed=tuple(site.borrowed)
        )

    def left(self, name: str, key: str) -> LayerSpec:
        x = self.spec.layers[self.subnet.key(name)]
        template = with_outer(x.template, self.mask)
        self._states[key] = {HELD: template}
        return self.put(key, Held(initial=self.initial if name == UNIT else 0.0), (x.name, self.mask_key), template)
