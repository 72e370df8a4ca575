"""Computes the body of a loop: a frame, from the state after the previous frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, Axis
from boulder.network.loop.beams import Chooser, Hypotheses, States, at_width
from boulder.network.loop.body import Body
from boulder.network.padding_guard import guarded
from boulder.network.recompute import recomputed
from boulder.network.run_state import LoopRun, RunState
from boulder.network.template import Template
from boulder.network.tensor import Memory, Tensor


@dataclass
class LoopState:
    """
    What a loop carries over from frame to frame. Dimensions are in the order of the templates' axes.

    :param carried: name in the next frame, e.g. "decoder/prev:s" → value
    :param states: states of layers that have one
    """

    carried: dict[str, TFTensor]
    states: States


class BodyRun:
    """
    :param run: run of the loop
    :param sources: name → input of the loop
    """

    def __init__(self, run: LoopRun, body: Body, sources: Mapping[str, Tensor]):
        self.run, self.body = run, body
        self.constants = {name: x for name, x in sources.items() if body.loop not in x.axes}
        streams = {name: x for name, x in sources.items() if body.loop in x.axes}
        self.arrays = {name: _Array(x, body.loop) for name, x in streams.items()}
        self.first_outputs: dict[str, Tensor | None] = {}  # of layers with a state, before the first frame

    def initial_state(self) -> LoopState:
        """:return: the state before the first frame"""
        carried: dict[str, TFTensor] = {}
        states: States = {}
        inner = {spec.name: spec for spec in self.run.inner}
        for name, templates in self.body.states.items():
            spec = inner[name]
            sources = [self.constants.get(source) for source in spec.sources]
            run = self.run.state.within(self.constants, None).run(spec)
            initial = spec.layer.first_state(run, dict(templates), sources)
            first = spec.layer.first_output(initial)
            self.first_outputs[name] = spec.with_names(first, self.run.lengths) if first else None
            states[name] = self._broadcast(initial, templates)
        for item in self.body.carried:
            if item.variable is not None:
                vector = Template((item.template.required(FEATURE),))
                first = Tensor(self.run.param(item.variable), vector.axes, vector)
            elif isinstance(item.initial, str):
                first = self.constants[item.initial]
            else:
                first = self.first_outputs.get(item.layer) or self.run.full(item.template, item.initial)
            carried[item.previous] = self.run.broadcast(first, item.template).value
        return LoopState(carried, states)

    def compute(
        self, frame: TFTensor, state: LoopState, hypotheses: Hypotheses | None = None
    ) -> tuple[dict[str, Tensor], LoopState]:
        """
        :param frame: int32 scalar, number of the frame
        :param state: state after the previous frame
        :param hypotheses: in a search, the hypotheses, which this frame replaces
        :return: outputs by name, and the state after this frame
        """
        inputs = self._inputs(frame, state)
        if not (self.body.recompute and self.run.train and hypotheses is None):
            return self._computed(self.run.state.within(inputs, frame), state.states, hypotheses)
        wanted = {*self.body.results, *([self.body.end] if self.body.end else [])}
        paths = {path for spec in self.run.inner for path in self.run.state.paths(spec)}
        params = {path: tf.convert_to_tensor(self.run.variables[path]) for path in sorted(paths)}

        def compute(params: Mapping[str, TFTensor], inputs: dict[str, Tensor], states: States) -> tuple:
            within = self.run.state.within(dict(inputs), frame)
            variables, lengths = {**within.variables, **params}, within.lengths.copy()
            outputs, after = self._computed(replace(within, variables=variables, lengths=lengths), states)
            kept = {name: replace(outputs[name], memory=None) for name in outputs if name in wanted}
            return kept, after.carried, after.states

        outputs, carried, states = recomputed(compute, params, inputs, state.states)
        return outputs, LoopState(carried, states)

    def _computed(
        self, iteration: RunState, old: States, hypotheses: Hypotheses | None = None
    ) -> tuple[dict[str, Tensor], LoopState]:
        """
        :param iteration: its outputs are the inputs of the frame, and get those of the layers
        :param old: states of layers after the previous frame
        """
        outputs, old = iteration.outputs, dict(old)
        new: States = {}
        for spec in self.run.inner:
            run, layer = iteration.run(spec), spec.layer
            sources = [outputs[source] for source in spec.sources]
            if spec.name in self.body.states:
                templates = self.body.states[spec.name]
                if hypotheses:
                    templates = {key: at_width(t, hypotheses.beam) for key, t in templates.items()}
                before = {key: Tensor(old[spec.name][key], t.axes, t) for key, t in templates.items()}
                output, after = layer.step(run, before, *sources)
                outputs[spec.name] = spec.with_names(output, run.lengths)
                new[spec.name] = self._broadcast(after, templates)
            elif hypotheses and isinstance(layer, Chooser) and layer.chooses:
                states = ((new, self.body.states), (old, self.body.states))
                chosen = hypotheses.choose(layer, spec, run, sources, outputs, states)
                outputs[spec.name] = spec.with_names(chosen, run.lengths)
            else:
                result = guarded(layer, run, list(sources))
                outputs.update(
                    result if isinstance(result, dict) else {spec.name: spec.with_names(result, run.lengths)}
                )
        carried = {c.previous: self.run.broadcast(outputs[c.layer], c.template).value for c in self.body.carried}
        return outputs, LoopState(carried, new)

    def _inputs(self, frame: TFTensor, state: LoopState) -> dict[str, Tensor]:
        """:return: name → what a frame reads from outside and from the previous frame"""
        found = dict(self.constants) | {name: array.read(frame) for name, array in self.arrays.items()}
        for item in self.body.carried:
            x = Tensor(state.carried[item.previous], item.template.axes, item.template)
            templates = self.body.states.get(item.layer, {})
            last = {key: Tensor(state.states[item.layer][key], t.axes, t) for key, t in templates.items()}
            found[item.previous] = replace(x, memory=Memory(None, last)) if last else x
        found[self.body.number] = Tensor(frame, (), Template((), "int32"))
        return found

    def _broadcast(
        self, state: Mapping[str | None, Tensor], templates: Mapping[str | None, Template]
    ) -> dict[str | None, TFTensor]:
        return {key: self.run.broadcast(state[key], template).value for key, template in templates.items()}

    # Outputs over all frames

    def empty_results(self, size: TFTensor, dynamic: bool) -> dict[str, TFTensor]:
        """
        :param size: number of frames
        :param dynamic: whether there may be more
        :return: a TensorArray for each output that is needed over all frames, and for its logits
        """
        found = {}
        for name, template in self.body.results.items():
            shape = [axis.size for axis in self._axes(template)]
            for key in [name, *([f"{name}:logits"] if name in self.body.logits else [])]:
                found[key] = tf.TensorArray(
                    template.dtype, size=size, dynamic_size=dynamic, element_shape=shape, clear_after_read=False
                )
        return found

    def written(
        self, results: Mapping[str, TFTensor], frame: TFTensor, outputs: Mapping[str, Tensor]
    ) -> dict[str, TFTensor]:
        """:return: `results` with the outputs of a frame"""
        arrays = dict(results)
        for name, template in self.body.results.items():
            of_frame = replace(template, axes=self._axes(template))
            x = outputs[name]
            arrays[name] = arrays[name].write(frame, self.run.broadcast(x, of_frame).value)
            if name in self.body.logits:
                logits = replace(x, value=x.logits)
                key = f"{name}:logits"
                arrays[key] = arrays[key].write(frame, self.run.broadcast(logits, of_frame).value)
        return arrays

    def stacked(self, results: Mapping[str, TFTensor]) -> dict[str, Tensor]:
        """:return: name → output over all frames"""
        found = {}
        for name, template in self.body.results.items():
            axes = (self.body.loop, *self._axes(template))
            logits = self._stacked(results[f"{name}:logits"], template) if name in self.body.logits else None
            first = self.first_outputs.get(name)
            memory = None if first is None else Memory(first, {})
            found[name] = Tensor(self._stacked(results[name], template), axes, template, logits, memory)
        return found

    def _stacked(self, array: TFTensor, template: Template) -> TFTensor:
        axes = self._axes(template)
        nothing = tf.concat([[0], self.run.shape(axes)], 0)  # TensorFlow does not know the shape of an empty array
        value = tf.cond(array.size() > 0, array.stack, lambda: tf.zeros(nothing, template.dtype))
        value.set_shape([None, *(axis.size for axis in axes)])
        return value

    def _axes(self, template: Template) -> tuple[Axis, ...]:
        return tuple(axis for axis in template.axes if axis != self.body.loop)


class _Array:
    """A tensor that is read frame by frame."""

    def __init__(self, x: Tensor, loop: Axis):
        self.axes = tuple(axis for axis in x.axes if axis != loop)
        value = x.ordered((loop, *self.axes))
        shape = value.shape[1:]
        array = tf.TensorArray(value.dtype, size=tf.shape(value)[0], element_shape=shape, clear_after_read=False)
        self.values = array.unstack(value)
        self.template = replace(x.template, axes=tuple(axis for axis in x.template.axes if axis != loop))

    def read(self, frame: TFTensor) -> Tensor:
        return Tensor(self.values.read(frame), self.axes, self.template)
