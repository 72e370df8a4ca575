"""`cum_concat`: all frames of a loop so far, as an axis of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.axes import OUTER, Axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.layer import Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.history import history, set_lengths
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("cum_concat")
@dataclass(frozen=True, kw_only=True)
class CumConcat(ConcatLayer):
    """
    In each frame of a loop, the input of all frames so far: y_t = [x_1, …, x_t]. Attention over it is causal self-attention.
    RETURNN: CumConcatLayer.

    :param out_spatial_dim: `Dim` of the axis of the frames so far; layers with the same `Dim` have the same axis
    :param axis: the loop, as `single_step_dim`, which it is anyway
    """

    differs_by_frame = True

    out_spatial_dim: NetDim
    axis: object = None

    def spec(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("concatenates the frames of a loop, expected it in the 'unit' of a 'rec' layer")
        if self.axis is not None and not self._is_loop(site.loop):
            raise site.fail(f"'axis' must be the loop, as 'single_step_dim', found {self.axis!r}")
        if self.initial_output is not None:
            raise site.fail(
                f"there is no frame before the first, so 'initial_output' must be left out, found {self.initial_output!r}"
            )
        template = site.input()
        outer = [axis for axis in template.axes if axis.kind in OUTER and axis != site.loop]
        rest = [axis for axis in template.axes if axis.kind not in OUTER]
        new = self.out_spatial_dim.defined(history(site.loop, self.out_spatial_dim.name), site.where)
        return replace(template, axes=(*outer, new, *rest))

    def _is_loop(self, loop: Axis) -> bool:
        return isinstance(self.axis, NetDim) and (self.axis.is_single_step or self.axis.same_axis(loop.as_time()))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        loop = next(axis for axis in x.axes if axis not in run.template.axes)
        new = self._made(run.template)
        set_lengths(run, new, loop)
        return x.renamed({loop: new}, run.template)

    def _made(self, template: Template) -> Axis:
        return next(axis for axis in template.axes if self.out_spatial_dim.same_axis(axis))

    # One iteration of a loop

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        inside = all(site.loop not in template.axes for _, template in site.sources)
        return {"state": output} if inside else {}

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        ((key, template),) = state.items()
        new = self._made(template)
        shape = tf.stack([0 if axis == new else run.shape([axis])[0] for axis in template.axes])
        empty = tf.zeros(shape, template.dtype)
        # tf.while_loop refuses a value that grows, unless its static size is unknown
        value = tf.compat.v1.placeholder_with_default(empty, [axis.size for axis in template.axes])
        return {key: run.tensor(value, template.axes, template)}

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        before = state["state"]
        new = self._made(before.template)
        rest = [axis for axis in before.axes if axis != new]
        frame = run.broadcast(run.input(sources), replace(before.template, axes=tuple(rest))).value
        at = before.axes.index(new)
        value = tf.concat([before.value, tf.expand_dims(frame, at)], at)
        run.lengths.set_of_iteration(new, run.frame + 1)
        result = run.tensor(value, before.axes, before.template)
        return replace(result, template=run.template), {"state": result}
