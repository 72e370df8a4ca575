"""Every use of a private name of Keras or TensorFlow. tests/test_private_api.py fails when one changes."""

from __future__ import annotations

from typing import Any

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


def skip_gradient_sum(optimizer: Any) -> None:
    """
    Keep an optimizer of Keras from summing gradients over replicas, for gradients that are summed already. Keras has no
    public switch, and scaling the gradients down beforehand would round them.
    """
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables


def set_patience(num_processes: int, seconds_to_connect: int, seconds_of_silence: int) -> None:
    """
    Configure the service by which the processes of a `MultiWorkerMirroredStrategy` watch each other. Call this before the
    strategy is made, which otherwise configures it with 10 s of silence and has no argument for that.

    :param seconds_to_connect: time for all processes to connect
    :param seconds_of_silence: time after which a process without a heartbeat counts as dead
    """
    from tensorflow.compiler.xla.tsl.protobuf.coordination_config_pb2 import CoordinatedJob
    from tensorflow.python.eager.context import context

    context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * seconds_to_connect,
        heartbeat_timeout_in_ms=1000 * seconds_of_silence,
        coordinated_jobs=[CoordinatedJob(name="worker", num_tasks=num_processes)],
    )


def forget_custom_gradients() -> None:
    """
    Release the graphs that have been traced so far. TensorFlow registers each use of `tf.custom_gradient` within a graph under a
    name of its own, for ever, with a function that holds the graph. It is needed while the graph is differentiated only, so
    nothing may be traced meanwhile.
    """
    from tensorflow.python.framework import ops

    registered = ops.gradient_registry._registry
    for name in [name for name in registered if name.startswith("CustomGradient-")]:
        del registered[name]
