"""The passes that bench/data.py measures, each in a process of its own: `data_passes.py OPTIONS`, OPTIONS as JSON
with the name as "pass".

The process prepares itself and prints `{}`. For each line that it reads it makes a pass, and prints its result as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
_BATCHES = {"batch_size": 20_000, "max_seqs": 200}
_SAMPLE = 300  # batches that are read of an epoch over many sequences
_STEPS, _WARM_UP = 60, 10  # of training
_LEAST_SECONDS = 0.3  # of a measurement

Pass = Callable[[], dict[str, Any]]


def many(data: dict, streams: dict, order: str) -> Pass:
    """Opens the file, forms the order and the batches of an epoch, and reads some batches."""
    from boulder.data import open_dataset, read_batch
    from boulder.training.epoch_batches import batches_to_train
    from boulder.training.training_options import TrainingOptions

    def run() -> dict[str, Any]:
        memory = _memory("VmRSS")
        dataset = open_dataset(data, streams)
        dataset.check()
        dataset.check_not_empty()
        dataset.full_fingerprint()
        opened = Clock()
        options = TrainingOptions(batch_size=2000, max_seqs=None, batching=order)
        _, batches = batches_to_train(dataset, 1, options, list(streams))
        formed, first = opened.read(), Clock()
        read_batch(dataset, batches[0])
        first_batch, before = first.read(), _memory("VmRSS")
        for number in np.linspace(1, len(batches) - 1, _SAMPLE).astype(int):
            read_batch(dataset, batches[number])
        memories = {"peak": _memory("VmHWM") - memory, "growth": _memory("VmRSS") - before}
        return {"form": formed, "first": first_batch, **memories}

    return run


def boulder(data: dict, streams: dict, threads: int) -> Pass:
    """From a file to padded arrays; 0 threads: in this one, without TensorFlow; else to tensors."""
    from boulder.data import batches_of_epoch, form_batches, open_dataset, read_batch

    dataset = open_dataset(data, streams)

    def read() -> int:
        batches = form_batches(dataset.epoch_order(1, 1, "default"), dataset.lengths, **_BATCHES)
        if threads:
            found = batches_of_epoch(dataset, batches, num_workers=threads)
        else:
            found = (read_batch(dataset, seqs) for seqs in batches)
        return sum(int(np.asarray(batch.lengths["data"]).sum()) for batch in found)

    return _rates(read)


def returnn(data: dict, streams: dict) -> Pass:
    """The same by RETURNN, as its engine reads batches, to arrays."""
    from returnn.engine.batch import batch_to_raw_dict

    dataset, expected, shapes = _of_returnn(data, streams)

    def read() -> int:
        frames = 0
        dataset.init_seq_order(1)
        batches = dataset.generate_batches(recurrent_net=True, **_BATCHES)
        while batches.has_more():
            (batch,) = batches.peek_next_n(1)
            arrays = batch_to_raw_dict(batch, dataset=dataset, extern_data=expected, data_keys=list(shapes))
            assert arrays["data"].shape[0] == len(batch.seqs)
            frames += sum(int(seq.frame_length["data"]) for seq in batch.seqs)
            batches.advance(1)
        return frames

    return _rates(read)


def returnn_tensors(data: dict, streams: dict) -> Pass:
    """The same by RETURNN's engine to tensors: a thread reads batches, and a session is fed with them."""
    import tensorflow.compat.v1 as tf1
    from returnn.tf.data_pipeline import FeedDictDataProvider

    dataset, expected, shapes = _of_returnn(data, streams)
    tf1.disable_eager_execution()
    fed = {key: tf1.placeholder("int32" if s.get("sparse") else "float32", name=key) for key, s in streams.items()}
    fed |= {f"{key}_seq_lens": tf1.placeholder("int32", name=f"{key}_seq_lens") for key in streams}
    arrived = tf1.group(*fed.values())
    session = tf1.Session()

    def read() -> int:
        frames = 0
        dataset.init_seq_order(1)
        batches = dataset.generate_batches(recurrent_net=True, **_BATCHES)
        provider = FeedDictDataProvider(dataset=dataset, batches=batches, extern_data=expected, data_keys=list(shapes))
        provider.start_threads(session)
        while provider.have_more_data(session):
            arrays = provider.queue.get()
            session.run(arrived, {placeholder: arrays[key] for key, placeholder in fed.items()})
            frames += int(arrays["data_seq_lens"].sum())
        provider.stop_threads()
        return frames

    return _rates(read)


def _of_returnn(data: dict, streams: dict) -> tuple[Any, Any, dict[str, dict]]:
    """:return: data set, its streams as a `TensorDict`, and as a dict"""
    from returnn.datasets import init_dataset
    from returnn.log import log
    from returnn.tensor import TensorDict

    log.initialize(verbosity=[0])
    expected = TensorDict()
    shapes = {key: s | {"shape": (None,) if s.get("sparse") else (None, s["dim"])} for key, s in streams.items()}
    expected.update(shapes, auto_convert=True)
    return init_dataset(data), expected, shapes


def demo(number: int) -> Pass:
    """
    `config/g2p.demo`, with its data and its network: reading an epoch alone, steps alone on batches from all over the epoch, and
    an epoch of both at once.

    :param number: of the job, each of which trains a phase
    """
    from boulder.data import open_dataset
    from boulder.network import describe, uses_streams
    from boulder.network.initializers import initial_value
    from boulder.training.epoch_steps import steps_to_train
    from boulder.training.model import Model
    from boulder.training.phase import TrainingPhase
    from boulder.training.replicas import OneReplica
    from boulder.training.tensorflow_options import prepare_tensorflow
    from jobs.rqmt import limit_threads

    job = _jobs_of_demo()[number]
    limit_threads(job.rqmt)
    prepare_tensorflow()
    for path in job.phases[0]["train"]["files"]:
        _make(path)
    phase, replica = TrainingPhase.from_json(job.phases[0]), OneReplica()
    spec = describe(phase.network, job.extern_data)
    streams = uses_streams(spec)
    dataset = open_dataset(phase.train, job.extern_data, frozenset(streams))
    seed = phase.options.random_seed
    params = {path: initial_value(p.init, p.shape, seed, path, p.dtype) for path, p in spec.params.items()}
    model = Model(spec, params, phase.options, dataset, replica)
    model.updater.learning_rate.assign(phase.learning_rate_control.rate(phase.start, []))

    def batches(threads: int) -> Iterator[Any]:
        return iter(steps_to_train(dataset, phase.start, phase.options, streams, replica, threads, None))

    def step(number: int, batch: Any) -> None:
        assert model.step(batch.shares, number).finite

    def run() -> dict[str, Any]:
        clock = Clock()
        read = list(batches(threads=1))
        reading, some = _per_batch(clock, len(read)), read[:: max(1, len(read) // _STEPS)]
        clock = Clock()
        for number, batch in enumerate(some):
            step(number, batch)
        steps, whole, waited = _per_batch(clock, len(some)), Clock(), 0.0
        ahead = batches(threads=2)
        for number in range(len(read)):
            wait = Clock()
            batch = next(ahead)
            waited += wait.read()["wall"]
            step(number, batch)
        return {"reading": reading, "steps": steps, "waited": waited / whole.read()["wall"]}

    for number, batch in enumerate(islice(batches(threads=1), _WARM_UP)):
        step(number, batch)
    return run


PASSES: dict[str, Callable[..., Pass]] = {p.__name__: p for p in (many, boulder, returnn, returnn_tensors, demo)}


class Clock:
    """Seconds since it was made, of wall time and of processor time."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {"wall": time.perf_counter() - self._wall, "processor": time.process_time() - self._processor}


def _per_batch(clock: Clock, count: int) -> dict[str, float]:
    return {name: seconds / count for name, seconds in clock.read().items()}


def _rates(read: Callable[[], int]) -> Pass:
    """:param read: a pass over the file, which returns the number of frames; the first one, which warms up, does not count"""

    def run() -> dict[str, Any]:
        clock, passes = Clock(), 0
        while not passes or clock.read()["wall"] < _LEAST_SECONDS:
            frames, passes = read(), passes + 1
        return {"frames": frames, **{name: passes * frames / seconds for name, seconds in clock.read().items()}}

    read()
    return run


def _memory(name: str) -> float:
    """:return: megabytes, from /proc"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1000


def _jobs_of_demo() -> list[Any]:
    """:return: the training jobs, laid out in the current folder"""
    import jobs.pipeline
    from config import g2p

    g2p.demo()
    (pipeline,) = jobs.pipeline.laid_out_pipelines().values()
    return pipeline.jobs


def _make(path: Any) -> None:
    """Run the job that makes the file, and before it those that make its inputs."""
    job = path.creator
    if job is None or Path(path.get_path()).exists():
        return
    for needed in job._sis_inputs:
        _make(needed)
    Path(path.get_path()).parent.mkdir(parents=True, exist_ok=True)
    job.run()


def main(text: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what others print is no answer
    sys.path[:0] = [str(ROOT), str(ROOT / "recipe")]
    options = json.loads(text)
    run = PASSES[options.pop("pass")](**options)
    print("{}", file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(run()), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
