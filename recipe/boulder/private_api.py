"""Every use of a private name of Keras or TensorFlow. tests/test_private_api.py fails when one changes."""

from __future__ import annotations

from boulder.lazy import tf


def while_loop_depth() -> int:
    """
    Counts the bodies of `tf.while_loop` that are being built. `tf.scan`, `tf.foldl` and `tf.map_fn` are made of it.

    TensorFlow has no public function for this. The graph of such a body is a `WhileBodyFuncGraph`, and its `outer_graph`
    is the graph around it.
    """
    graph, depth = tf.compat.v1.get_default_graph(), 0
    while graph is not None:
        depth += type(graph).__name__ == "WhileBodyFuncGraph"
        graph = getattr(graph, "outer_graph", None)
    return depth
