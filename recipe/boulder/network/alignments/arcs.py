"""Automata that are data: a stream has the arcs of an automaton for each sequence, see `boulder.data.automata`."""

from __future__ import annotations

from boulder.lazy import tf
from boulder.network.alignments.automata import Automata
from boulder.network.axes import FEATURE, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor

COLUMNS = 4
"""of an arc: the state that it leaves, the state that it enters, the class that it emits, its cost"""


def problem_of_arcs(name: str, template: Template) -> str | None:
    """
    :param name: of the data stream
    :return: a message if it cannot hold automata, or None
    """
    axes = {Batch, template.time, template.feature}
    if None in axes or set(template.axes) != axes or template.dim != COLUMNS or not template.dtype.startswith("float"):
        return (
            f"{name!r} is {template}, expected the arcs of automata: {COLUMNS} features (state, next state, class, cost) for each "
            "arc, as 'boulder.data.write_automata' writes them"
        )
    return None


def automata_of_arcs(run: LayerRun, arcs: Tensor, num_classes: int, scale: float = 1.0) -> Automata:
    """
    :param arcs: see `problem_of_arcs`. An arc with the class -1 is the end of paths in a state. State 0 is the first one
    :param scale: factor of all costs; 0: all of them are 0
    :raises tf.errors.InvalidArgumentError: for states that are no numbers from 0 on, and for other classes
    """
    time = arcs.template.required(TIME)
    values = tf.stop_gradient(tf.cast(arcs.ordered((Batch, time, arcs.template.required(FEATURE))), tf.float32))
    there = tf.sequence_mask(run.length(time), tf.shape(values)[1])
    columns = tf.unstack(values, num=COLUMNS, axis=2)
    source, target, label = (tf.where(there, tf.cast(column, tf.int32), 0) for column in columns[:3])
    cost, ends = tf.where(there, columns[3], 0.0) * scale, there & (label == -1)
    wrong = there & ((label < -1) | (label >= num_classes) | (source < 0) | ((target < 0) & ~ends))
    found = tf.boolean_mask(values, wrong)[:1]
    message = [
        f"{run.where}: expected states from 0 on and classes from 0 to {num_classes - 1} (-1: an end), found arc",
        found,
    ]
    with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(wrong), message)]):
        source = tf.identity(source)
    emits = there & ~ends
    target, label = tf.where(emits, target, 0), tf.where(emits, label, 0)
    states = tf.maximum(tf.reduce_max(tf.maximum(source, target)), 0) + 1  # also without arcs
    batch, infinite = tf.shape(source)[0], float("inf")
    rows = source + states * tf.range(batch)[:, None]
    # the cheapest of several ends of a state
    best = tf.math.unsorted_segment_min(tf.where(ends, cost, infinite), rows, batch * states)
    ending = tf.where(best < 1e38, tf.reshape(best, [-1]), infinite)
    return Automata(source, target, label, tf.where(emits, cost, infinite), tf.reshape(ending, [batch, states]))
