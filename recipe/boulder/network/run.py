"""The compute half: NetworkSpec, parameters and a batch → outputs and losses, as TensorFlow operations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, LOOP, Axis
from boulder.network.loss import LossValue
from boulder.network.precision import in_precision
from boulder.network.random_stream import Rate
from boulder.network.recompute import groups, read_elsewhere, recomputed
from boulder.network.regularizers import magnitudes, roughness
from boulder.network.run_state import RunState
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class NetworkOutput:
    """
    :param layers: name → output
    :param losses: layer name → sums over the batch
    :param lengths: time axis → int32 [B]
    :param beam_scores: scores with which searches have ended, see `LayerRun`
    :param updates: path → next value, of the parameters that change in training without being trained
    :param magnitudes: for `darc1`, see `boulder.network.regularizers`; empty outside of training
    :param roughness: for `spatial_smoothing`, likewise
    """

    layers: dict[str, Tensor]
    losses: dict[str, LossValue]
    lengths: dict[Axis, TFTensor]
    beam_scores: dict[Axis | str, TFTensor]
    updates: dict[str, TFTensor] = field(default_factory=dict)
    magnitudes: dict[str, TFTensor] = field(default_factory=dict)
    roughness: dict[str, TFTensor] = field(default_factory=dict)

    def best(self, beam: Axis) -> TFTensor:
        """:return: int32 [B], number of the hypothesis with the highest score"""
        return tf.argmax(self.beam_scores[beam], axis=1, output_type=tf.int32)


def run_network(
    spec: NetworkSpec,
    params: Mapping[str, TFTensor],
    data: Mapping[str, TFTensor],
    lengths: Mapping[str, TFTensor],
    *,
    train: bool = False,
    seed: int = 0,
    step: TFTensor = 0,
    losses: bool = True,
    precision: str | None = None,
    joint: Callable[[TFTensor], TFTensor] = lambda value: value,
    second_derivatives: bool = False,
    rates: Mapping[tuple[str, str], Rate] | None = None,
) -> NetworkOutput:
    """
    :param params: path → variable or tensor
    :param data: key → [B, T, …], for the streams that the network uses; values in the padding do not matter
    :param lengths: key → int32 [B]
    :param train: whether there is dropout
    :param seed: seed of random numbers, which also depend on `step` and on the layer's name
    :param step: scalar, number of the update
    :param losses: False where there are no targets, as in search
    :param precision: of products, see `boulder.network.precision`; None: float32
    :param joint: the sum of a tensor over all replicas, with its gradient
    :param second_derivatives: whether the gradient is differentiated, which not all kernels of LSTMs allow
    :param rates: (layer, purpose) → rate of dropout that is an input of the graph; None: they are constants
    :raises NetworkError: for a data stream of another rank than its template's
    """
    state = RunState(
        params, train, seed, step, joint=joint, shared=spec.shared, second_derivatives=second_derivatives, rates=rates
    )
    for key, template in spec.extern_data.items():
        if key in data:
            state.add_stream(key, template, data[key], lengths)
    with in_precision(precision):
        for group, again in groups(spec) if train else [(list(spec.layers.values()), False)]:
            if again:
                _compute_again(state, group, read_elsewhere(spec, group))
            else:
                for layer in group:
                    state.compute(layer)
        regularizers = (magnitudes(spec, state), roughness(spec, state)) if train else ()
    values = {}
    for name, loss in spec.losses.items() if losses else ():
        target = _outside(state.output(loss.target)) if loss.target else None
        layers = [state.output(layer) for layer in loss.layers]
        values[name] = loss.loss.normalized(state.run(spec.layers[name]), _outside(state.outputs[name]), target, layers)
    return NetworkOutput(state.outputs, values, state.lengths.all(), state.beam_scores, state.updates, *regularizers)


def _compute_again(state: RunState, group: Sequence[LayerSpec], wanted: Collection[str]) -> None:
    """Puts the outputs `wanted` of a group of layers into the state; other values are computed again for the gradient."""
    own = {layer.name for layer in group}
    sources = {name: state.output(name) for layer in group for name in layer.reads if name not in own}
    paths = {path for layer in group for path in state.paths(layer)}
    params = {path: tf.convert_to_tensor(state.variables[path]) for path in sorted(paths)}
    lengths, updates = iter([state.lengths]), iter([state.updates])

    def compute(params: Mapping[str, TFTensor], sources: dict[str, Tensor]) -> dict[str, Tensor]:
        within = replace(
            state,
            variables={**state.variables, **params},
            outputs=dict(sources),
            lengths=next(lengths, state.lengths.copy()),  # only the first call may add lengths
            updates=next(updates, {}),
        )
        for layer in group:
            within.compute(layer)
        return {name: output for name, output in within.outputs.items() if name in wanted}

    state.outputs.update(recomputed(compute, params, sources))


def _outside(output: Tensor) -> Tensor:
    """:return: a layer's output as a loss sees it: the iterations of its loop are frames of a sequence"""
    loop = next((axis for axis in reversed(output.template.axes) if axis.kind == LOOP), None)
    if loop is None:
        return output
    return output.renamed({loop: loop.as_time()}, output.template.with_axis_replaced(loop, loop.as_time()))


def uses_streams(spec: NetworkSpec, losses: bool = True) -> set[str]:
    """:return: keys of the data streams that the network reads, or whose lengths alone it needs, as those of a loop"""
    used = {s.removeprefix("data:") for layer in spec.layers.values() for s in layer.reads if s not in spec.layers}
    used |= {key for loss in spec.losses.values() for key in loss.streams if losses}
    known = {time.stream for key in used & set(spec.extern_data) if (time := spec.extern_data[key].time)}
    axes = {axis for layer in spec.layers.values() for axis in layer.template.axes if axis.kind in DYNAMIC}
    needed = {axis.stream for axis in axes if axis.size is None} - known
    return used | {
        key for key, template in spec.extern_data.items() if template.time and template.time.stream in needed
    }
