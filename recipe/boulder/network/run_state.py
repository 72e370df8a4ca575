"""The state that layers share while a network is computed, and the `LayerRun` of each layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from boulder.errors import BoulderError, NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis, Time
from boulder.network.batch_normalization import option_of
from boulder.network.concat_layer import ConcatLayer
from boulder.network.custom_param import custom_param
from boulder.network.input_dropout import InputDropout
from boulder.network.layer_run import LayerRun
from boulder.network.lengths import Lengths
from boulder.network.padding_guard import guarded
from boulder.network.params import Borrowed, ParamSpec
from boulder.network.random_stream import RandomStream, Rate
from boulder.network.specs import LayerSpec
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class RunState:
    """
    :param variables: path → value of each parameter
    :param train: whether there is dropout
    :param seed: seed of random numbers
    :param step: scalar, number of the update
    :param outputs: name → output, of the layers computed so far
    :param streams: "data:KEY" → data stream
    :param updates: path → next value, of the parameters that this run changes
    :param joint: the sum of a tensor over all replicas, with its gradient
    :param frame: int32 scalar, number of the iteration within a loop
    :param shared: see `NetworkSpec`
    :param second_derivatives: whether the gradient is differentiated
    :param rates: (layer, purpose) → rate of dropout that is an input of the graph; None: they are constants
    """

    variables: Mapping[str, TFTensor]
    train: bool
    seed: int
    step: TFTensor
    outputs: dict[str, Tensor] = field(default_factory=dict)
    streams: dict[str, Tensor] = field(default_factory=dict)
    lengths: Lengths = field(default_factory=Lengths)
    beam_scores: dict[Axis | str, TFTensor] = field(default_factory=dict)
    updates: dict[str, TFTensor] = field(default_factory=dict)
    joint: Callable[[TFTensor], TFTensor] = lambda value: value
    frame: TFTensor = None
    shared: Mapping[tuple[str, str], Mapping[str, ParamSpec]] = field(default_factory=dict)
    second_derivatives: bool = False
    rates: Mapping[tuple[str, str], Rate] | None = None

    def paths(self, spec: LayerSpec) -> Iterator[str]:
        """:return: paths of all parameters that the layer and those in it read"""
        for layer in spec.with_inner():
            yield from (param.path for param in layer.params)
            for entry in layer.borrowed:
                yield from (param.path for param in self.shared[layer.name, entry.name].values())

    def within(self, outputs: dict[str, Tensor], frame: TFTensor) -> RunState:
        """
        :param outputs: name → output, at the beginning of an iteration
        :param frame: int32 scalar, number of the iteration; None before the first
        :return: state of one iteration of a loop
        """
        return replace(self, outputs=outputs, frame=frame)

    def add_stream(self, key: str, template: Template, value: TFTensor, lengths: Mapping[str, TFTensor]) -> None:
        """
        :param value: [B, T, …], padded or longer
        :param lengths: key → int32 [B], for streams with a time axis
        :raises NetworkError: for a value of another rank
        """
        value = tf.cast(value, template.dtype)
        if value.shape.rank not in (None, len(template.axes)):
            raise NetworkError(
                f"data stream {key!r} should be {template}, but a batch of it has the shape {value.shape}"
            )
        if template.time:
            frames = tf.cast(lengths[key], tf.int32)
            value = self._with_lengths(key, template.time, frames, value)
            value = value[:, : tf.reduce_max(frames)]
        self.lengths.add_stream(value)
        self.streams[f"data:{key}"] = Tensor(value, template.axes, template)

    def _with_lengths(self, key: str, time: Axis, lengths: TFTensor, value: TFTensor) -> TFTensor:
        """
        Adds the lengths of a data stream.

        :return: the stream, which waits for the check that its lengths are those of other streams with its time axis
        """
        own = Time(key)
        self.lengths.set(own, lengths)
        if own != time and self.lengths.has(time):
            return self.lengths.checked(value, f"data:{key}", own, time)
        self.lengths.set(time, lengths)
        return value

    def output(self, source: str) -> Tensor:
        """
        :param source: name of a layer, or "data:KEY"
        """
        return self.outputs[source] if source in self.outputs else self.streams[source]

    def run(self, spec: LayerSpec) -> LayerRun:
        """:return: the argument of the layer's compute half; a `LoopRun` for a layer with inner layers"""
        layer = spec.layer
        dropout, in_dim = InputDropout(), None
        if isinstance(own := layer.wrapped, ConcatLayer):
            dropout, in_dim = own.input_dropout(spec.name), own.in_dim
        rates = {}
        if self.rates is not None:
            rates = {purpose: self.rates[spec.name, purpose] for purpose in layer.wrapped.dropout_rates()}
        run = LayerRun(
            name=spec.name,
            where=f"layer {spec.name!r} ({layer.class_name})",
            template=spec.computed,
            sources=spec.sources,
            paths={param.name: param.path for param in spec.params},
            borrowed={entry.name: partial(self._borrowed, spec, entry) for entry in spec.borrowed},
            variables=self.variables,
            dropout=dropout,
            lengths=self.lengths,
            random=RandomStream(spec.name, self.seed, self.step, self.train, self.frame, rates),
            updates=self.updates,
            joint=self.joint,
            beam_scores=self.beam_scores,
            in_dim=in_dim,
            second_derivatives=self.second_derivatives,
        )
        return LoopRun(**vars(run), state=self, inner=spec.inner) if spec.inner else run

    def _borrowed(self, spec: LayerSpec, entry: Borrowed) -> TFTensor:
        """:return: value of a parameter that is that of another layer"""
        params = {name: self.variables[param.path] for name, param in self.shared[spec.name, entry.name].items()}
        if entry.custom:
            return custom_param(spec.name, entry, params)
        if entry.source:
            output = self.output(entry.source)
            return output.ordered(output.template.axes)
        return params[""]

    def compute(self, spec: LayerSpec) -> None:
        """Puts a layer's output, or the outputs of a loop, into `outputs`."""
        run = self.run(spec)
        with tf.name_scope(scope_of(spec.name)), _noted(spec.name):  # for errors at run time, and profiles
            result = guarded(spec.layer, run, [self.output(source) for source in spec.sources])
        if isinstance(result, dict):
            self.outputs.update(result)
            return
        normalization = option_of(spec.layer, run.where)
        result = normalization.apply(run, result) if normalization else result
        self.outputs[spec.name] = spec.with_names(result, self.lengths)


def scope_of(layer: str) -> str:
    """:return: name scope of the layer's operations; it ends with a slash, so that it is not put into that of the loop around"""
    return re.sub(r"[^A-Za-z0-9_./>-]|^(?=[^A-Za-z0-9.])", ".", layer) + "/"


@contextmanager
def _noted(layer: str) -> Iterator[None]:
    """Context in which exceptions get a note that names the layer."""
    try:
        yield
    except Exception as error:
        noted = getattr(error, "__notes__", ())  # by the layer within, if this one is a loop
        if not isinstance(error, BoulderError) and not any(map(layer_of_note, noted)):
            error.add_note(f"{_NOTE}{layer}")
        raise


_NOTE = "in the layer "


def layer_of_note(note: str) -> str | None:
    """
    :param note: of an exception
    :return: the layer that it names; None if it names none
    """
    return note.removeprefix(_NOTE) if note.startswith(_NOTE) else None


@dataclass(frozen=True)
class LoopRun(LayerRun):
    """
    The run of a loop, which computes layers of its own.

    :param state: of the network, or of the iteration of the loop around this one
    :param inner: layers that are computed within each iteration, in their order
    """

    state: RunState
    inner: tuple[LayerSpec, ...]
