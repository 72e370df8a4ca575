"""One frame of a loop: from what is kept of the frame before to what is kept for the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.axes import Axis
from boulder.network.loop.body import Body
from boulder.network.template import Template
from boulder.network.tensor import Memory, Tensor


@dataclass
class LoopState:
    """
    What a loop keeps from frame to frame: values of the templates' axes, in their order.

    :param carried: name for the next frame, `decoder/prev:s` → value
    :param states: layer → key → value
    """

    carried: dict[str, object]
    states: dict[str, dict[str, object]]


class BodyRun:
    """
    :param run: of the loop
    :param sources: name → Tensor of all that it reads
    """

    def __init__(self, run, body: Body, sources: Mapping[str, Tensor]):
        self.run, self.body = run, body
        self.constants = {name: x for name, x in sources.items() if body.loop not in x.axes}
        streams = {name: x for name, x in sources.items() if body.loop in x.axes}
        self.arrays = {name: _Array(x, body.loop) for name, x in streams.items()}
        self.first_outputs: dict[str, Tensor] = {}  # of layers with a memory, before the first frame

    def before_the_first(self) -> LoopState:
        carried, states = {}, {}
        inner = {spec.name: spec for spec in self.run.inner}
        for name, templates in self.body.states.items():
            spec = inner[name]
            sources = [self.constants.get(source) for source in spec.sources]
            initial = spec.layer.first_state(
                self.run.state.within(self.constants, None).run(spec), dict(templates), sources
            )
            self.first_outputs[name] = spec.layer.first_output(initial)
            states[name] = {
                key: self.run.broadcast(initial[key], template).value for key, template in templates.items()
            }
        for item in self.body.carried:
            first = (
                self.constants[item.initial] if isinstance(item.initial, str) else self.first_outputs.get(item.layer)
            )
            if first is None:
                first = self.run.full(item.template, item.initial)
            carried[item.previous] = self.run.broadcast(first, item.template).value
        return LoopState(carried, states)

    def outputs(self, frame, kept: LoopState) -> dict[str, Tensor]:
        """:return: name → what is there at the beginning of a frame"""
        found = dict(self.constants) | {name: array.read(frame) for name, array in self.arrays.items()}
        for item in self.body.carried:
            found[item.previous] = Tensor(kept.carried[item.previous], item.template.axes, item.template)
        found[self.body.number] = Tensor(frame, (), Template((), "int32"))
        return found

    def compute(self, frame, kept: LoopState, chosen=None) -> tuple[dict[str, Tensor], LoopState]:
        """
        :param frame: int32 scalar, its number
        :param chosen: in a search, makes the choices, see `boulder.network.loop.beams.Hypotheses.choose`
        :return: outputs by name, and what is kept
        """
        outputs, kept = self.outputs(frame, kept), LoopState(kept.carried, dict(kept.states))
        states: dict[str, dict[str, object]] = {}
        state = self.run.state.within(outputs, frame)
        for spec in self.run.inner:
            run = state.run(spec)
            sources = [outputs[source] for source in spec.sources]
            if spec.name in self.body.states:
                templates = self.body.states[spec.name]
                old = {key: Tensor(kept.states[spec.name][key], t.axes, t) for key, t in templates.items()}
                outputs[spec.name], new = spec.layer.step(run, old, *sources)
                states[spec.name] = {key: self.run.broadcast(new[key], t).value for key, t in templates.items()}
            elif chosen and spec.layer.one_by_one("search"):
                outputs[spec.name] = chosen(spec, self.body.states, run, sources, outputs, (states, kept.states))
            else:
                result = spec.layer.compute(run, *sources)
                outputs.update(result if isinstance(result, dict) else {spec.name: result})
        carried = {c.previous: self.run.broadcast(outputs[c.layer], c.template).value for c in self.body.carried}
        return outputs, LoopState(carried, states)

    # What is needed of all frames

    def empty_results(self, size, dynamic: bool) -> dict[str, object]:
        """:return: TensorArrays"""
        found = {}
        for name, template in self.body.results.items():
            shape = [axis.size for axis in self._axes(template)]
            for key in [name, *([f"{name}:logits"] if name in self.body.logits else [])]:
                found[key] = tf.TensorArray(
                    template.dtype, size=size, dynamic_size=dynamic, element_shape=shape, clear_after_read=False
                )
        return found

    def written(self, results: dict, frame, outputs: Mapping[str, Tensor]) -> dict:
        """:return: `results` with those of this frame"""
        results = dict(results)
        for name, template in self.body.results.items():
            of_frame = replace(template, axes=self._axes(template))
            x = outputs[name]
            results[name] = results[name].write(frame, self.run.broadcast(x, of_frame).value)
            if name in self.body.logits:
                logits = replace(x, value=x.logits)
                key = f"{name}:logits"
                results[key] = results[key].write(frame, self.run.broadcast(logits, of_frame).value)
        return results

    def stacked(self, results: Mapping[str, object]) -> dict[str, Tensor]:
        """:return: name → Tensor of all frames"""
        found = {}
        for name, template in self.body.results.items():
            axes = (self.body.loop, *self._axes(template))
            logits = self._stacked(results[f"{name}:logits"], template) if name in self.body.logits else None
            first = self.first_outputs.get(name)
            memory = None if first is None else Memory(first, {})
            found[name] = Tensor(self._stacked(results[name], template), axes, template, logits, memory)
        return found

    def _stacked(self, array, template):
        """Of no frame at all, TensorFlow does not know the shape."""
        axes = self._axes(template)
        nothing = tf.concat([[0], self.run.shape(axes)], 0)
        value = tf.cond(array.size() > 0, array.stack, lambda: tf.zeros(nothing, template.dtype))
        value.set_shape([None, *(axis.size for axis in axes)])
        return value

    def _axes(self, template) -> tuple[Axis, ...]:
        return tuple(axis for axis in template.axes if axis != self.body.loop)


class _Array:
    """A tensor, frame by frame."""

    def __init__(self, x: Tensor, loop: Axis):
        self.axes = tuple(axis for axis in x.axes if axis != loop)
        value = x.ordered((loop, *self.axes))
        shape = value.shape[1:]
        self.values = tf.TensorArray(value.dtype, size=tf.shape(value)[0], element_shape=shape, clear_after_read=False)
        self.values = self.values.unstack(value)
        self.template = replace(x.template, axes=tuple(axis for axis in x.template.axes if axis != loop))

    def read(self, frame) -> Tensor:
        return Tensor(self.values.read(frame), self.axes, self.template)
