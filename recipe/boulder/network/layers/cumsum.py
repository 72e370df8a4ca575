"""`cumsum`: sum of all frames so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, LOOP, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Memory, Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along, passes

_INITIAL = {None: 0, "zeros": 0, "ones": 1}


@layer_class("cumsum")
@dataclass(frozen=True, kw_only=True)
class Cumsum(ConcatLayer):
    """y_t = y_{t-1} + x_t, along an axis or along the loop around the layer. RETURNN: CumsumLayer.

    With `reverse`, the sum runs from the last frame of each sequence; RETURNN's adds the padding behind it.

    :param axis: see `boulder.network.axis_names`; "T", where the input has no time axis, and `single_step_dim` are the loop
    :param additional_left_summand_per_element: number to add to each x_t
    :param reverse: y_t = y_{t+1} + x_t; not along a loop
    :param initial_output: y before the first frame: a number, "zeros" or "ones"; only along a loop
    """

    differs_by_frame = True

    axis: object = "T"
    additional_left_summand_per_element: float | None = None
    reverse: bool = False

    def spec(self, site: Site) -> Template:
        template = site.input()
        if template.sparse_dim is not None or template.dtype == "bool":
            raise site.fail(f"needs numbers to sum up, but its input is {template}")
        if self._along_loop(template, site.loop):
            if self.reverse:
                raise site.fail("'reverse' is not possible along a loop, whose later frames are not known yet")
            if isinstance(self.initial_output, str) and self.initial_output not in _INITIAL:
                raise site.fail(f"'initial_output' must be a number, 'zeros' or 'ones', found {self.initial_output!r}")
        else:
            axis = find_axis(template, self.axis, site)
            if axis.kind == BATCH:
                raise site.fail("'axis' cannot be the batch: the result for a sequence would depend on the others")
        return template

    def _along_loop(self, template: Template, loop: Axis | None) -> bool:
        if loop is None:
            return False
        if isinstance(self.axis, NetDim):
            return self.axis.is_single_step or self.axis.same_axis(loop.as_time())
        return isinstance(self.axis, str) and self.axis.lower() in ("t", "time") and template.time is None

    # Along a loop

    def remembers(self, output: Template) -> dict[str | None, int]:
        return {"state": output.feature.known_size} if output.feature and output.time is None else {}

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        return {"state": output} if self._along_loop(output, site.loop) else {}

    @property
    def _initial(self) -> float:
        initial = self.initial_output
        return _INITIAL[initial] if initial is None or isinstance(initial, str) else initial

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        return {key: run.full(template, self._initial) for key, template in state.items()}

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor | None:
        return state["state"]

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        axes = run.template.axes
        value = state["state"].ordered(axes) + self._summands(run.input(sources).ordered(axes))
        after: dict[str | None, Tensor] = {"state": run.tensor(value, axes, run.template)}
        return Tensor(value, axes, run.template, memory=Memory(None, after)), after

    # Along an axis

    def _summands(self, value: TFTensor) -> TFTensor:
        more = self.additional_left_summand_per_element
        return value if more is None else tf.cast(more, value.dtype) + value

    def widening(self, w: Widening) -> None:
        passes(w)
        if isinstance(self.axis, str) and self.axis.upper() != "T":
            along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        loop = next((axis for axis in x.axes if axis.kind == LOOP), None)
        along_loop = self._along_loop(x.template, loop)
        axis: Axis = loop if loop and along_loop else find_axis(x.template, self.axis, self.site(run))
        value = self._summands(x.value)
        if self.reverse and axis.kind in DYNAMIC:
            value = tf.where(run.mask_over(x.axes, axis), value, 0)
        value = tf.cumsum(value, x.axes.index(axis), reverse=self.reverse)
        if not along_loop:
            return x.made(value, x.axes, run.template)
        result = x.made(value + tf.cast(self._initial, value.dtype), x.axes, run.template)
        inner = Template(tuple(a for a in x.template.axes if a != axis), x.template.dtype)
        return Tensor(
            result.value, x.axes, run.template, memory=Memory(run.full(inner, self._initial), {"state": result})
        )
