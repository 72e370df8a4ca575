"""Peak memory and time of a training step with and without `recompute`, each in a process of its own.

    .venv/bin/python bench/recompute.py

`blocks`: 8 blocks of 4 layers, of width 1,024, on 16,000 frames; only the input of each block is kept. `loop`: an attention decoder,
100 frames on an encoder of 300; only the state and the inputs of each frame are kept. The memory is the highest resident size of the
process minus its resident size before the first step.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "recipe")]

WIDTH, BLOCKS = 1024, 8
STREAMS = {"data": {"dim": 64}, "classes": {"dim": 50, "sparse": True}}


def blocks(recompute: bool) -> dict:
    net, source = {}, "data"
    for block in range(BLOCKS):
        for layer in range(4):
            name = f"block{block}.{layer}"
            net[name] = {
                "class": "linear", "n_out": WIDTH, "activation": "relu", "from": source, "dropout": 0.1,
                "dropout_noise_shape": {"*": None}, "recompute": f"block{block}" if recompute else False,
            }  # fmt: skip
            source = name
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def loop(recompute: bool) -> dict:
    body = {
        "s": {"class": "rnn_cell", "unit": "lstmblock", "n_out": 128, "from": "prev:context"},
        "query": {"class": "linear", "n_out": 256, "from": "s", "with_bias": False},
        "energy_in": {"class": "combine", "kind": "add", "from": ["base:encoder", "query"]},
        "tanh": {"class": "activation", "activation": "tanh", "from": "energy_in"},
        "energy": {"class": "linear", "n_out": 1, "from": "tanh", "with_bias": False},
        "weights": {"class": "softmax_over_spatial", "from": "energy"},
        "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
        "output": {"class": "softmax", "from": "context", "loss": "ce", "target": "classes"},
    }
    return {
        "encoder": {"class": "linear", "n_out": 256, "from": "data"},
        "output": {"class": "rec", "from": [], "target": "classes", "unit": body, "recompute": recompute},
    }


def measured(name: str, recompute: bool) -> dict[str, float]:
    """:return: memory in MB and seconds of a step, in this process"""
    import numpy as np
    import tensorflow as tf

    from boulder.network import describe, run_network

    spec = describe({"blocks": blocks, "loop": loop}[name](recompute), STREAMS)
    random = np.random.default_rng(1)
    variables = {
        path: tf.Variable(random.normal(size=param.shape, scale=0.03).astype("float32"))
        for path, param in spec.params.items()
    }
    frames, targets, batch = {"blocks": (1000, 1000, 16), "loop": (300, 100, 8)}[name]
    data = {
        "data": tf.random.stateless_normal([batch, frames, 64], [1, 2]),
        "classes": tf.zeros([batch, targets], tf.int32),
    }
    lengths = {"data": tf.fill([batch], frames), "classes": tf.fill([batch], targets)}

    @tf.function(autograph=False)
    def step(data: dict, lengths: dict) -> list:
        with tf.GradientTape() as tape:
            cost = (
                run_network(spec, variables, data, lengths, train=True)
                .losses["output" if name == "blocks" else "output/output"]
                .cost
            )
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(cost, list(variables.values()))]

    short = {"data": data["data"][:, :2], "classes": data["classes"][:, :2]}
    step(short, {key: tf.fill([batch], 2) for key in lengths})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    step(data, lengths)
    seconds = time.monotonic() - began
    return {"megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "RECOMPUTE"), help="measure one in this process")
    one = parser.parse_args().one
    if one:
        print(json.dumps(measured(one[0], one[1] == "True")))
        return
    for name in ("blocks", "loop"):
        for recompute in (False, True):
            command = [sys.executable, __file__, "--one", name, str(recompute)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{name:8} recompute {recompute!s:5}  {found['megabytes']:7.0f} MB  {found['seconds']:6.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
