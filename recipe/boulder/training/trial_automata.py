"""Generated automata for a trial of a network with full-sum training."""

from __future__ import annotations

import numpy

from boulder.network import NetworkSpec
from boulder.network.layers.fast_bw import FastBw
from boulder.network.losses.fast_bw import FastBw as FastBwLoss


def automata_streams(spec: NetworkSpec) -> dict[str, int]:
    """:return: key of each data stream with automata that a layer or a loss `fast_bw` reads → number of classes"""
    found = {}
    for layer in spec.all_layers():
        if isinstance(layer.layer, FastBw) and layer.layer.has_arcs:
            found[_stream(spec, layer.sources[-1])] = layer.template.dim
    for name, loss in spec.losses.items():
        if isinstance(loss.loss, FastBwLoss):
            found[_stream(spec, loss.layers[0])] = spec.layers[name].template.dim
    return {key: dim for key, dim in found.items() if key in spec.extern_data and dim}


def _stream(spec: NetworkSpec, source: str) -> str:
    """:return: key of the data stream that `source` is, or is made of"""
    time = spec.template(source).time
    origin = time.origin if time else ()
    return origin[0] if len(origin) == 1 else source.removeprefix("data:")


def automaton(states: int, classes: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """
    :return: rows of an automaton, see `boulder.data.automata`: a chain of states with loops; each of them may be the last one, so
        that it has a path for any number of frames but 0
    """
    rows, labels = [], rng.integers(0, classes, states)
    for state, label in enumerate(labels, start=1):
        rows += [[state - 1, state, label, 0.5], [state, state, label, 0.7], [state, 0, -1, 0.0]]
    return numpy.array(rows, "float32")


ROWS_PER_STATE = 3
"""of `automaton`"""
