"""`variable`: a parameter as a layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from boulder.network.axes import Axis, Batch, Feature, StaticTime
from boulder.network.dims import NetDim, sizes_of
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.params import variable_scope
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@layer_class("variable")
@dataclass(frozen=True, kw_only=True)
class Variable(Layer):
    """A parameter. Its last axis is the feature axis. RETURNN: VariableLayer.

    Parameter: named as the layer, or `param_name`, of the given shape.

    :param shape: sizes, ints or `Dim`s
    :param dtype: only "float32"
    :param add_batch_axis: repeat it for each sequence
    :param add_time_axis: add a time axis of size 1
    :param init: initializer; None: 0
    :param init_by_layer: layer `constant` or `random` in its place. Its numbers are drawn as those of an initializer
    :param param_name: name of the parameter; None: that of the layer
    :param saveable: only True: all parameters are in the checkpoint
    :param non_critical_for_restore: has no effect: a parameter without an old value is initialized
    """

    sources: str | list[str] = field(default_factory=list)
    shape: list[object]
    dtype: str = "float32"
    add_batch_axis: bool = False
    add_time_axis: bool = False
    init: str | float | dict | None = None
    init_by_layer: str | None = None
    param_name: str | None = None
    saveable: bool = True
    non_critical_for_restore: bool = False

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *([] if self.init_by_layer is None else [self.init_by_layer]))

    def spec(self, site: Site) -> Template:
        if super().source_names():
            raise site.fail("takes no sources, but has a 'from'")
        if self.dtype != "float32":
            raise site.fail(f"'dtype' must be 'float32', found {self.dtype!r}")
        if not self.saveable:
            raise site.fail("'saveable' must be True: each parameter is in the checkpoint")
        given = sizes_of(self.shape)
        sizes = tuple(size for size in given if isinstance(size, int) and not isinstance(size, bool) and size > 0)
        if len(sizes) < len(given):
            raise site.fail(f"'shape' must have static sizes of at least 1, found {list(self.shape)!r:.80}")
        axes: list[Axis] = [Batch] if self.add_batch_axis else []
        axes += [StaticTime(1)] if self.add_time_axis else []
        own: list[Axis] = []
        for size in sizes:
            own.append(unused(size, own))
        if own:
            own[-1] = Feature(sizes[-1])
        name = variable_scope(site.name.rpartition("/")[2])
        site.param("value", sizes, self._init(sizes, site), variable=self.param_name or name)
        return Template((*axes, *own))

    def _init(self, sizes: tuple[int, ...], site: Site) -> str | float | dict:
        if self.init_by_layer is None:
            return 0.0 if self.init is None else self.init
        if self.init is not None:
            raise site.fail("takes either 'init' or 'init_by_layer'")
        ((name, template),) = site.sources
        layer = site.layer_of(name)
        init = layer.initializer() if layer else None
        if init is None:
            raise site.fail(
                f"'init_by_layer' must be a layer 'constant', or 'random' without layers, but {name!r} is {template}"
            )
        given = tuple(axis.size for axis in template.axes)
        if given not in ((), sizes) or not template.dtype.startswith(("float", "int")):
            raise site.fail(
                f"'init_by_layer' must give numbers of shape {sizes}, or one number, but {name!r} is {template}"
            )
        return init

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        own = output.axes[self.add_batch_axis + self.add_time_axis :]
        return [(dim, axis) for dim, axis in zip(self.shape, own, strict=True) if isinstance(dim, NetDim)]

    def widening(self, w: Widening) -> None:
        own = w.output.terms[self.add_batch_axis + self.add_time_axis :]
        w.param("value", *own)
        for term in own:
            w.own(term)
        w.scalable("value", *range(len(own)))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        axes = run.template.axes[self.add_batch_axis + self.add_time_axis :]
        return run.broadcast(run.tensor(run.param("value") + 0.0, axes, Template(axes)), run.template)
