"""The base class of `rec` and `rnn_cell`: a recurrent unit, run over a sequence or step by step within a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, LOOP, SPATIAL, Axis
from boulder.network.axis_names import check_time, find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.layer_run import LayerRun
from boulder.network.merged_rows import MergedRows
from boulder.network.reversal import in_order, reversal
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Deferred, Memory, Tensor
from boulder.network.units import initial_state, single_step
from boulder.network.units.context import UnitContext
from boulder.network.units.unit import Initializers, Unit
from boulder.network.widening.site import Widening
from boulder.network.widening.units import Joined, sizes_of

Source = TypeVar("Source")


@dataclass(frozen=True, kw_only=True)
class Recurrent(ConcatLayer):
    """
    :param unit: name of the unit; case does not matter
    :param unit_opts: options of the unit
    :param axis: the time axis, or the `Dim` `single_step_dim` in a loop; None: either, as the input has it; or an axis of static
        size, over which the unit runs for each frame, such as that of a window
    :param initial_state: see `boulder.network.units.initial_state`; None: zeros
    :param given_state: layers that give the state before each frame, in place of the unit's own: one, or a dict or list with one
        for each part of the state, such as {"c": "prev:c", "h": "prev:h"}; the unit then computes a single step of each frame
    """

    some_sources_suffice = False
    differs_by_frame = True

    unit: str
    unit_opts: dict | None = None
    axis: object = None
    initial_state: str | float | dict | list[object] | None = None
    given_state: str | dict | list[object] | None = None

    # Defined by subclasses

    def recurrent_unit(self, where: str) -> Unit:
        """
        :param where: the layer, for messages
        :raises NetworkError: for an unknown unit or unknown options
        """
        raise NotImplementedError

    def initializers(self) -> Initializers:
        raise NotImplementedError

    @property
    def reads_backwards(self) -> bool:
        return False

    def name_in_scope(self, param: str) -> str:
        return param if self.name_scope is None else param.removeprefix("rec/")

    # Sources and state

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (*self.source_names(), *self._layers_of_state())

    def _layers_of_state(self) -> tuple[str, ...]:
        given = self.initial_state if self.given_state is None else self.given_state
        return initial_state.layers_in(given)

    def initial_layers(self, sources: Sequence[Source]) -> Sequence[Source]:
        """:return: the last of `sources`, which `initial_state` or `state` names"""
        return sources[len(sources) - len(self._layers_of_state()) :]

    def remembers(self, output: Template) -> dict[str | None, int]:
        if self._static_axis(output, Site("", self, [])):
            return {}  # each frame has a state of its own
        return dict.fromkeys(self.recurrent_unit("").state_keys, _size(output))

    # Spec

    def spec(self, site: Site) -> Template:
        unit = self.recurrent_unit(site.where)
        if self.initial_output not in (None, 0, "zeros"):
            raise site.fail(
                "'initial_output' is not supported here; 'initial_state' sets the output before the first frame"
            )
        given = self.initial_layers(site.sources)
        site_of_input = replace(site, sources=site.sources[: len(site.sources) - len(given)])
        template = site_of_input.input()
        unit.check_use(site, is_whole=site.loop is None and self.given_state is None)
        if self.given_state is not None:
            template = single_step.checked(self, given, unit.state_keys, template, site)
        else:
            self._check_axis(template, site)
        if template.time is None and self.reads_backwards and not self._static_axis(template, site):
            raise site.fail("'direction': -1 needs a time axis of its own; along a loop only 1 is possible")
        n = site.out_dim()
        if self.given_state is None:
            initial_state.declare(self.initial_state, unit.state_keys, n, given, site)
        n_in = template.sparse_dim if unit.takes_classes else None
        unit.declare(site_of_input, n_in or site.dense_dim(template), n, self.initializers())
        return template.with_feature(n)

    def _check_axis(self, template: Template, site: Site) -> None:
        if self._static_axis(template, site):
            return
        if template.time is None and site.loop is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        check_time(self.axis, template, site)

    def _static_axis(self, template: Template, site: Site) -> Axis | None:
        """:return: the axis that the option `axis` names, if it has the same size in all sequences"""
        if self.axis is None or (isinstance(self.axis, NetDim) and self.axis.is_single_step):
            return None
        axis = find_axis(template, self.axis, site)
        return axis if axis.kind == SPATIAL and axis.size is not None else None

    def sequence_axis(self, output: Template) -> Axis | None:
        """:return: the axis along which the unit runs over whole sequences; None for a single step"""
        if self.given_state is not None:
            return None
        return self._static_axis(output, Site("", self, [])) or output.time or output.axis(LOOP)

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        if self.given_state is not None or site.loop is None or output.time or site.loop in output.axes:
            return {}
        if self._static_axis(output, site):
            return {}
        return dict.fromkeys(self.recurrent_unit("").state_keys, output)

    # One frame of a loop

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        initial = [source for source in self.initial_layers(sources) if source is not None]
        return initial_state.tensors(self.initial_state, state, initial, run)

    def first_output(self, state: dict[str | None, Tensor]) -> Tensor:
        return state[self.recurrent_unit("").state_keys[-1]]

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        unit, x, outer = self.recurrent_unit(run.name), self._input(run, sources), run.template.axes[:-1]
        n, n_in = _size(run.template), _size(x.template)
        frame = tf.reshape(run.broadcast_to(x, outer), [-1, n_in])
        weights = unit.weights(run)
        old = {key: tf.reshape(tensor.value, [-1, n]) for key, tensor in state.items()}
        new = unit.step(weights, unit.project(weights, frame), old, UnitContext(run, outer, run.frame))
        results = {
            key: Tensor(tf.reshape(value, tf.shape(state[unit.state_keys[-1]].value)), run.template.axes, run.template)
            for key, value in new.items()
        }
        last = {key: results[key] for key in state}
        return replace(results[unit.output], memory=Memory(None, last)), last

    # A whole sequence

    def widening(self, w: Widening) -> None:
        given = self.initial_layers(w.sources)
        own, out = w.sources[: len(w.sources) - len(given)], w.output.features
        x = w.input(own)
        w.tie_axes(x, [axis for axis in x.new.axes if axis.kind == FEATURE])
        w.own(out)
        if self.recurrent_unit(w.where).is_over_units:
            w.keep(out, "has a unit that normalizes over its units")
        for source in given:
            w.tie(source.feature, out)
        size = sizes_of(out)[1]
        for name, param in w.param_specs.items():
            if name.startswith("batch_norm/"):
                continue
            last = len(param.shape) - 1
            columns = all(part.size == size for part in param.splits[last])
            units = out if param.per_unit else Joined.of(*[out] * len(param.splits[last])) if columns else None
            w.param(name, *(w.rows(name, axis, x, out) for axis in range(last)), units)

    def compute(self, run: LayerRun, *sources: Any) -> Tensor:
        unit, x = self.recurrent_unit(run.name), self._input(run, sources)
        if self.given_state is not None:
            given = single_step.tensors(self.given_state, unit.state_keys, self.initial_layers(sources), run)
            return self.step(run, given, *sources)[0]
        static = self._static_axis(x.template, self.site(run))
        time = static or x.template.time or next(axis for axis in x.axes if axis.kind == LOOP)
        feature = run.template.required(FEATURE)
        outer = tuple(axis for axis in x.axes if axis not in (time, x.template.feature))
        vector = Template((*outer, feature))
        rows = MergedRows(x.ordered((time, *outer, x.template.required(FEATURE))), outer)

        rows_are_sequences = not static and len(outer) == 1 and outer == run.length_axes(time)

        def lengths() -> TFTensor:
            """:return: int32 [N]"""
            if rows_are_sequences:
                return run.length(time)
            of_each = tf.constant(static.size) if static else run.length_over(outer, time)
            return tf.reshape(tf.broadcast_to(of_each, rows.sizes), [-1])

        order = None
        if self.reads_backwards:
            order = run.reversal(time) if rows_are_sequences else reversal(lengths(), tf.shape(rows.frames)[0])

        def reversed_where_needed(value: TFTensor) -> TFTensor:
            return value if order is None else in_order(value, order, run.train)

        given = self.first_state(run, dict.fromkeys(unit.state_keys, vector), sources)
        first = {key: rows.merged(run.broadcast(x, vector).value) for key, x in given.items()}
        operands = unit.weights(run), reversed_where_needed(rows.frames), first, UnitContext(run, outer)

        def with_time(value: TFTensor) -> Tensor:
            return Tensor(rows.restored(value, with_time=True), (time, *outer, feature), run.template)

        def without_time(value: TFTensor) -> Tensor:
            return Tensor(rows.restored(value, with_time=False), vector.axes, vector)

        if time.kind == LOOP:
            states = unit.sequence(*operands)
            output, last = states[unit.output], Deferred(unit.state_keys, lambda key: with_time(states[key]))
            memory = Memory(without_time(first[unit.state_keys[-1]]), last)
        else:
            output, of_last = unit.output_and_last(*operands, lengths)
            memory = Memory(None, Deferred(unit.state_keys, lambda key: without_time(of_last(key))))
        return replace(with_time(reversed_where_needed(output)), memory=memory)

    def _input(self, run: LayerRun, sources: Sequence[Tensor]) -> Tensor:
        x = run.input(sources[: len(sources) - len(self.initial_layers(sources))])
        if x.template.sparse_dim is None:
            return x
        dense = x.template.with_feature(x.template.sparse_dim)
        return Tensor(tf.one_hot(x.value, x.template.sparse_dim), (*x.axes, dense.required(FEATURE)), dense)


def _size(template: Template) -> int:
    """:return: size of the feature axis"""
    return template.required(FEATURE).known_size
