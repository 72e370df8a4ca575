"""On how many devices a phase is trained: the copies of its network, which share each batch.

A replica computes losses and gradients of its share; `sum` makes them those of the joint batch, and every replica takes the
same step. What is written is written by the chief. With one replica no strategy of TensorFlow's has a part in it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence

from boulder.errors import TrainingError
from boulder.lazy import tf
from boulder.private_api import set_patience
from boulder.training.cluster import cluster_of_job

_SECONDS_TO_CONNECT = 300  # for all processes that the scheduler has started
_SECONDS_OF_SILENCE = 120  # a machine may stall for long; a killed process is noticed at once by its closed connections


class OneReplica:
    """
    All of it on one device. The attributes and methods are those of `SeveralReplicas`.

    :ivar count: replicas altogether
    :ivar here: numbers of those in this process
    :ivar is_chief: whether this process writes
    """

    count, here, is_chief = 1, range(1), True

    def scope(self) -> contextlib.AbstractContextManager:
        """:return: a context in which variables are made, one for each replica"""
        return contextlib.nullcontext()

    def spread(self, shares: Sequence[dict]):
        """
        :param shares: of a batch, one for each replica that is here, see `boulder.data.shares_of_epoch`
        :return: for `run`: of each its share, with the number of the replica as "replica"
        """
        return shares[0] | {"replica": 0}

    def run(self, function: Callable, *arguments):
        """
        Within a tf.function.

        :param function: called for each replica that is here
        :param arguments: what `spread` or another `run` gives, of which each replica gets its own, or tensors
        :return: the results, for `first` or another `run`
        """
        return function(*arguments)

    def first(self, results):
        """:return: what the first replica gave to `run`"""
        return results

    def sum(self, values):
        """
        Within `run`.

        :param values: tensors, nested
        :return: their sums over all replicas; no gradient goes through
        """
        return values

    def any(self, wish: bool) -> bool:
        """:return: whether one of the processes wishes it. All must ask at the same point."""
        return wish

    def from_chief(self, number: int) -> int:
        """:return: the chief's number"""
        return number

    def barrier(self) -> None:
        """Waits until all processes are here."""

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """:raises SystemExit: where another process is gone: what is trained may be resumed"""
        yield


class SeveralReplicas(OneReplica):
    """
    :param strategy: of TensorFlow's
    :param rank: of this process
    :param num_processes: each with the same number of replicas
    """

    def __init__(self, strategy, rank: int = 0, num_processes: int = 1):
        self._strategy, self._num_processes = strategy, num_processes
        self.count = strategy.num_replicas_in_sync
        mine = self.count // num_processes
        self.here = range(rank * mine, (rank + 1) * mine)
        self.is_chief = rank == 0
        self._joint = tf.function(
            lambda value: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None),
            input_signature=[tf.TensorSpec([], tf.float64)],  # GPUs keep ints elsewhere; whole numbers are exact
            autograph=False,
        )

    def scope(self):
        return self._strategy.scope()

    def spread(self, shares):
        def of_replica(context):
            number = context.replica_id_in_sync_group
            return shares[number - self.here.start] | {"replica": number}

        return self._strategy.experimental_distribute_values_from_function(of_replica)

    def run(self, function, *arguments):
        return self._strategy.run(function, args=arguments)

    def first(self, results):
        return tf.nest.map_structure(lambda value: self._strategy.experimental_local_results(value)[0], results)

    def sum(self, values):
        flat = [tf.stop_gradient(value) for value in tf.nest.flatten(values)]
        summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, flat)
        return tf.nest.pack_sequence_as(values, summed)

    def any(self, wish):
        return self._total(int(wish)) > 0

    def from_chief(self, number):
        return self._total(number if self.is_chief else 0)

    def barrier(self):
        self._total(0)

    def _total(self, number: int) -> int:
        """:return: sum over the processes"""
        if self._num_processes == 1:
            return number
        return int(self._joint(tf.constant(number, tf.float64)).numpy())

    @contextlib.contextmanager
    def failures(self):
        try:
            yield
        except tf.errors.OpError as error:
            gone = isinstance(error, tf.errors.UnavailableError | tf.errors.AbortedError | tf.errors.CancelledError)
            if self._num_processes == 1 or not (gone or "ollective" in error.message):
                raise
            reason = error.message.rpartition("aborted by: ")[2].partition("\n")[0]
            raise SystemExit(f"another process of this training is gone, so this one ends too ({reason})") from error


def seed_of(replica: int, seed: int) -> int:
    """
    :return: for what the replica draws: the first draws what one alone would, and no two draw the same
    """
    if not replica:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}: replica {replica}".encode()).digest()[:8], "big")


def make_replicas(gpus: int, nodes: int) -> OneReplica:
    """
    To be called before TensorFlow's first operation.

    :param gpus: on this node; a machine without GPUs may have logical CPU devices in their place
    :param nodes: processes, each with so many GPUs
    :raises TrainingError: if they are not there
    """
    if gpus == nodes == 1:
        return OneReplica()
    devices = _devices(gpus)
    if nodes == 1:
        return SeveralReplicas(_mirrored(*devices))
    tf.get_logger().setLevel("WARNING")  # of what it does all day
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
        raise SystemExit(
            f"the processes of {', '.join(cluster.addresses)} found no way to each other: {error.message}"
        ) from error
    return SeveralReplicas(strategy, cluster.rank, nodes)


@functools.cache
def _mirrored(*devices: str):
    """:return: one strategy for all of a process, since they number their messages alike"""
    return tf.distribute.MirroredStrategy(devices)


def _devices(gpus: int) -> list[str]:
    """:return: names of so many devices. Does not make TensorFlow start."""
    found = tf.config.list_physical_devices("GPU")
    if gpus <= len(found):
        tf.config.set_visible_devices(found[:gpus], "GPU")
        return [f"GPU:{number}" for number in range(gpus)]
    logical = tf.config.get_logical_device_configuration(tf.config.list_physical_devices("CPU")[0]) or [None]
    if not found and gpus <= len(logical):
        return [f"CPU:{number}" for number in range(gpus)]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    raise TrainingError(
        f"this phase is for gpus={gpus}, but TensorFlow found {len(found)} of them (CUDA_VISIBLE_DEVICES is {visible!r}); "
        "ask for fewer, or run it where they are"
    )
