"""Replicas: copies of a phase's network on several devices, which share each batch.

A replica computes losses and gradients of its share, `sum` combines them into those of the joint batch, and every replica
makes the same update. Only rank 0, the chief, writes files. With one replica no strategy of TensorFlow is used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from boulder.errors import TrainingError
from boulder.lazy import tf
from boulder.private_api import set_patience
from boulder.training.cluster import cluster_of_job

_SECONDS_TO_CONNECT = 300  # for all processes that the scheduler has started
_SECONDS_OF_SILENCE = 120  # a machine may stall for long; a killed process is noticed at once by its closed connections

Share = dict[str, Any]
"""A replica's part of a batch, see `boulder.data.shares_of_epoch`, with the number of the replica as "replica"."""


class OneReplica:
    """
    Training on one device. `SeveralReplicas` has the same attributes and methods.

    :ivar count: number of replicas in all processes
    :ivar here: numbers of the replicas of this process
    :ivar is_chief: whether this process has rank 0 and writes files
    """

    count, here, is_chief = 1, range(1), True

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """:return: a context in which variables are created, one per replica"""
        return contextlib.nullcontext()

    def spread(self, shares: Sequence[Share]) -> Any:
        """
        :param shares: those of a batch, one for each replica of this process, see `boulder.data.shares_of_epoch`
        :return: an argument of `run`: each replica receives its own share
        """
        return shares[0] | {"replica": 0}

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """
        Call a function in each replica of this process. To be used within a `tf.function`.

        :param arguments: results of `spread` or `run`, of which each replica receives its own, or tensors
        :return: the results, for `first` or another `run`
        """
        return function(*arguments)

    def first(self, results: Any) -> Any:
        """:return: the result of the first replica, from those of `run`"""
        return results

    def sum(self, values: Any) -> Any:
        """
        All-reduce. To be called within `run`.

        :param values: a nested structure of tensors and `tf.IndexedSlices`
        :return: their sums over all replicas; no gradient flows through
        """
        return values

    def joint(self, value: Any) -> Any:
        """
        All-reduce with its gradient. To be called within `run`.

        :param value: a tensor
        :return: its sum over all replicas
        """
        return value

    def any(self, wish: bool) -> bool:
        """:return: whether `wish` is True in any process. All processes must call this at the same point."""
        return wish

    def from_chief(self, number: int) -> int:
        """:return: rank 0's `number`. All processes must call this at the same point."""
        return number

    def barrier(self) -> None:
        """Wait until all processes have reached this point."""

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """:raises SystemExit: if another process has died; the training may be resumed"""
        yield


class SeveralReplicas(OneReplica):
    """
    :param strategy: a `tf.distribute.Strategy`
    :param rank: rank of this process
    :param num_processes: number of processes, each with the same number of replicas
    """

    def __init__(self, strategy: Any, rank: int = 0, num_processes: int = 1) -> None:
        self._strategy, self._num_processes = strategy, num_processes
        self.count = strategy.num_replicas_in_sync
        mine = self.count // num_processes
        self.here = range(rank * mine, (rank + 1) * mine)
        self.is_chief = rank == 0
        self._joint = tf.function(
            lambda value: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None),
            input_signature=[tf.TensorSpec([], tf.float64)],  # ints are not kept on GPUs; whole numbers stay exact
            autograph=False,
        )

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        scope: contextlib.AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def spread(self, shares: Sequence[Share]) -> Any:
        def of_replica(context: Any) -> Share:
            number = context.replica_id_in_sync_group
            return shares[number - self.here.start] | {"replica": number}

        return self._strategy.experimental_distribute_values_from_function(of_replica)

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._strategy.run(function, args=arguments)

    def first(self, results: Any) -> Any:
        return tf.nest.map_structure(lambda value: self._strategy.experimental_local_results(value)[0], results)

    def sum(self, values: Any) -> Any:
        flat = [
            value if isinstance(value, tf.IndexedSlices) else tf.stop_gradient(value)
            for value in tf.nest.flatten(values)
        ]
        summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, flat)
        return tf.nest.pack_sequence_as(values, summed)

    def joint(self, value: Any) -> Any:
        @tf.custom_gradient
        def summed(mine: Any) -> tuple[Any, Callable[[Any], Any]]:
            return self.sum(mine), self.sum

        return summed(value)

    def any(self, wish: bool) -> bool:
        return self._total(int(wish)) > 0

    def from_chief(self, number: int) -> int:
        return self._total(number if self.is_chief else 0)

    def barrier(self) -> None:
        self._total(0)

    def _total(self, number: int) -> int:
        """:return: sum over the processes"""
        if self._num_processes == 1:
            return number
        return int(self._joint(tf.constant(number, tf.float64)).numpy())

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            gone = isinstance(error, tf.errors.UnavailableError | tf.errors.AbortedError | tf.errors.CancelledError)
            if self._num_processes == 1 or not (gone or "ollective" in error.message):
                raise
            reason = error.message.rpartition("aborted by: ")[2].partition("\n")[0]
            raise SystemExit(f"another process of this training has died, so this one stops too ({reason})") from error


def seed_of(replica: int, seed: int) -> int:
    """
    :return: the seed of a replica's random numbers: that of replica 0 is `seed` itself, and all are different
    """
    if not replica:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}: replica {replica}".encode()).digest()[:8], "big")


def make_replicas(gpus: int, nodes: int) -> OneReplica:
    """
    Find the devices and connect the processes. To be called before TensorFlow's first operation.

    :param gpus: number of GPUs on this node; a machine without GPUs may have logical CPU devices in their place
    :param nodes: number of processes, each with `gpus` GPUs
    :raises TrainingError: if the devices or processes are missing
    :raises SystemExit: if the processes cannot connect
    """
    if gpus == nodes == 1:
        return OneReplica()
    devices = _devices(gpus)
    if nodes == 1:
        return SeveralReplicas(_mirrored(*devices))
    tf.get_logger().setLevel("WARNING")  # its routine messages fill the log
    cluster = cluster_of_job(nodes)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": cluster.addresses}),
        task_type="worker",
        task_id=cluster.rank,
        rpc_layer="grpc",
        num_accelerators={"GPU": gpus} if "GPU" in devices[0] else {},
    )
    set_patience(nodes, _SECONDS_TO_CONNECT, _SECONDS_OF_SILENCE)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except tf.errors.OpError as error:
        raise SystemExit(f"the processes {', '.join(cluster.addresses)} cannot connect: {error.message}") from error
    return SeveralReplicas(strategy, cluster.rank, nodes)


@functools.cache
def _mirrored(*devices: str) -> Any:
    """:return: the one strategy of this process; several would number their messages alike"""
    return tf.distribute.MirroredStrategy(devices)


def _devices(gpus: int) -> list[str]:
    """:return: names of `gpus` devices. Does not initialise TensorFlow."""
    found = tf.config.list_physical_devices("GPU")
    if gpus <= len(found):
        tf.config.set_visible_devices(found[:gpus], "GPU")
        return [f"GPU:{number}" for number in range(gpus)]
    logical = tf.config.get_logical_device_configuration(tf.config.list_physical_devices("CPU")[0]) or [None]
    if not found and gpus <= len(logical):
        return [f"CPU:{number}" for number in range(gpus)]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    raise TrainingError(
        f"this phase needs gpus={gpus}, but TensorFlow found {len(found)} (CUDA_VISIBLE_DEVICES is {visible!r}); "
        "request fewer, or run it on a machine that has them"
    )
