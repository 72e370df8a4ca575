"""Size of the graphs of a training step and of scoring, and what they cost: tracing, the first run, a step.

    .venv/bin/python bench/step_graph.py [--layers 6] [--width 32] [--types]

Bidirectional LSTM layers and a softmax with cross-entropy, trained with Adam on 10 sequences of 50 frames. Operations include those of
the branches and loops that the graph calls. Times are processor times of one process.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "recipe")]

FRAMES, SEQUENCES, CLASSES = 50, 10, 50
STREAMS = {"data": {"dim": 40}, "classes": {"dim": CLASSES, "sparse": True}}
STEPS = 200


def network(layers: int, width: int) -> dict[str, dict[str, Any]]:
    net: dict[str, dict[str, Any]] = {}
    source = ["data"]
    for layer in range(layers):
        names = [f"fw{layer}", f"bw{layer}"]
        for name, direction in zip(names, (1, -1), strict=True):
            net[name] = {
                "class": "rec", "unit": "nativelstm2", "n_out": width, "direction": direction, "from": source, "dropout": 0.1,
            }  # fmt: skip
        source = names
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def model_and_batch(net: dict[str, Any], config: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """:return: a `Model`, and the shares of a batch"""
    import numpy as np

    from boulder.data.in_memory import InMemory
    from boulder.data.streams import Stream
    from boulder.lazy import tf
    from boulder.network import describe
    from boulder.network.initializers import initial_value
    from boulder.training.model import Model
    from boulder.training.replicas import OneReplica
    from boulder.training.tensorflow_options import prepare_tensorflow
    from boulder.training.training_options import TrainingOptions

    prepare_tensorflow()
    spec, options = describe(net, STREAMS), TrainingOptions(**config)
    kinds = {
        "data": Stream("data", STREAMS["data"]["dim"], sparse=False, dtype="float32", has_feature_axis=True),
        "classes": Stream("classes", CLASSES, sparse=True, dtype="int32", has_feature_axis=False),
    }
    params = {path: initial_value(p.init, p.shape, 1, path, p.dtype) for path, p in spec.params.items()}
    model = Model(spec, params, options, InMemory(held=[], kinds=kinds), OneReplica())
    model.updater.learning_rate.assign(1e-3)
    random = np.random.default_rng(1)
    lengths = tf.constant(np.linspace(FRAMES // 2, FRAMES, SEQUENCES), tf.int32)
    values = {
        "data": random.normal(size=(SEQUENCES, FRAMES, STREAMS["data"]["dim"])).astype("float32"),
        "classes": random.integers(CLASSES, size=(SEQUENCES, FRAMES)).astype("int32"),
    }
    data = {key: tf.constant(value) for key, value in values.items()}
    return model, [{"data": data, "lengths": dict.fromkeys(data, lengths)}]


def operations(graph: Any) -> Iterator[tuple[Any, Any]]:
    """:return: (operation, the one of `graph` that calls it or is it), also of functions that the graph calls"""
    for operation in graph.get_operations():
        yield operation, operation
        for name in ("then_branch", "else_branch", "cond", "body", "f"):
            called = operation.node_def.attr[name].func.name if name in operation.node_def.attr else ""
            if called and (function := graph._get_function(called)):
                yield from ((inner, operation) for inner, _ in operations(function.graph))


def part_of(operation: Any, layers: tuple[str, ...]) -> str:
    """:return: what an operation of a step is for, by its name"""
    name = operation.name
    if name.startswith("gradient_tape/"):
        return "backward"
    if name.split("/")[0] in layers:
        return "layers"
    if operation.type in ("If", "StatelessIf") or name.startswith("cond"):
        return "update"
    return f"other: {operation.type}" if SHOW_OTHER else "other"


SHOW_OTHER = False


def clocked(function: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    result = function()
    return result, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--types", action="store_true", help="count the types of operations")
    arguments = parser.parse_args()
    net = network(arguments.layers, arguments.width)
    model, shares = model_and_batch(net, {})
    passes = {"step": (model.compiled_step, model.step), "evaluate": (model.compiled_evaluate, model.evaluate)}
    for name, (compiled, function) in passes.items():
        traced, tracing = clocked(compiled.get_concrete_function)
        _, first = clocked(lambda function=function: function(shares, 0))
        wall = time.perf_counter()
        _, steps = clocked(lambda function=function: [function(shares, 0) for _ in range(STEPS)])
        wall = time.perf_counter() - wall
        found = list(operations(traced.graph))
        print(
            f"{name}: {len(found)} operations; tracing {tracing:.2f} s, first run {first:.2f} s, "
            f"a step {steps / STEPS * 1000:.2f} ms of processor, {wall / STEPS * 1000:.2f} ms"
        )
        print("   ", dict(Counter(part_of(at, tuple(net)) for _, at in found).most_common()))
        if arguments.types:
            for part in ("layers", "backward", "update", "other"):
                types = Counter(o.type for o, at in found if part_of(at, tuple(net)) == part)
                print(f"    {part}:", dict(types.most_common(25)))


if __name__ == "__main__":
    main()
