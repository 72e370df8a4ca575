"""A step of training of a stack of bidirectional LSTMs, in one of several programs; see bench/lstm.py, which starts it.

The options are a JSON object: `engine`, a key of `ENGINES`; `threads`; `steps` of each measurement; and `layers`, `units`,
`sequences`, `frames`, `features` and `classes`, the sizes. All sequences have the same length, so that all programs compute the
same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from side_by_side import serve  # beside this file

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "recipe")]

RATE = 0.001
PRODUCT = 2048
"""size of the matrices of the program "product" """


def network(options: dict[str, Any]) -> dict[str, Any]:
    """:return: net dict; its recurrent layers have the unit `options["unit"]`"""
    net: dict[str, Any] = {}
    source: Any = "data"
    for number in range(1, options["layers"] + 1):
        for name, direction in (("fw", 1), ("bw", -1)):
            net[f"{name}{number}"] = {
                "class": "rec", "unit": options["unit"], "n_out": options["units"], "direction": direction, "from": source,
            }  # fmt: skip
        source = [f"fw{number}", f"bw{number}"]
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def streams(options: dict[str, Any]) -> dict[str, Any]:
    """:return: `extern_data`"""
    return {"data": {"dim": options["features"]}, "classes": {"dim": options["classes"], "sparse": True}}


def batch(options: dict[str, Any]) -> dict[str, Any]:
    """:return: key → array, [sequences, frames, …]"""
    import numpy

    random = numpy.random.default_rng(1)
    shape = (options["sequences"], options["frames"])
    data = random.normal(size=(*shape, options["features"])).astype("float32")
    return {"data": data, "classes": random.integers(0, options["classes"], shape).astype("int32")}


def tensorflow(options: dict[str, Any]) -> Any:
    """:return: the module, with the threads of a job"""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(options["threads"])
    return tf


def boulder(options: dict[str, Any]) -> Callable[[], None]:
    """The step of the trainer, with its optimizer and its deterministic operations."""
    tf = tensorflow(options)
    tf.config.experimental.enable_op_determinism()
    from boulder.data import open_dataset
    from boulder.network import describe
    from boulder.network.initializers import initial_value
    from boulder.training.model import Model
    from boulder.training.replicas import OneReplica
    from boulder.training.training_options import TrainingOptions

    arrays = batch(options)
    spec = describe(network(options), streams(options))
    params = {path: initial_value(p.init, p.shape, 1, path, p.dtype) for path, p in spec.params.items()}
    sequence = {key: value[0] for key, value in arrays.items()}
    dataset = open_dataset({"class": "StaticDataset", "data": [sequence]}, streams(options))
    training = TrainingOptions.from_config({"optimizer": {"class": "adam"}})
    model = Model(spec, params, training, dataset, OneReplica())
    model.updater.learning_rate.assign(RATE)
    lengths = tf.fill([options["sequences"]], options["frames"])
    share = {
        "data": {key: tf.constant(value) for key, value in arrays.items()},
        "lengths": dict.fromkeys(arrays, lengths),
    }

    def steps() -> None:
        for number in range(options["steps"]):
            float(model.step([share], tf.constant(number, tf.int64)).norm)

    return steps


def returnn(options: dict[str, Any]) -> Callable[[], None]:
    """The step of RETURNN's engine: its network and its updater, in a session."""
    tensorflow(options)
    import tensorflow.compat.v1 as tf
    from returnn.config import Config, global_config_ctx
    from returnn.log import log
    from returnn.tf import native_op
    from returnn.tf.network import ExternData, TFNetwork
    from returnn.tf.updater import Updater
    from returnn.tf.util import basic
    from returnn.util.basic import BackendEngine

    log.initialize(verbosity=[2])
    native_op.OpMaker.with_cuda = False
    BackendEngine.select_engine(engine=BackendEngine.TensorFlowNetDict)
    basic.setup_tf_thread_pools(log_file=None, num_threads=options["threads"])
    config = Config({"extern_data": streams(options), "network": network(options), "optimizer": {"class": "adam"}})
    with tf.Graph().as_default(), global_config_ctx(config):
        data = ExternData()
        data.init_from_config(config, auto_create_placeholders=True)
        net = TFNetwork(config=config, extern_data=data, train_flag=True)
        net.construct_from_dict(config.typed_dict["network"])
        updater = Updater(config=config, network=net, initial_learning_rate=RATE)
        updater.set_trainable_vars(net.get_trainable_params())
        update, loss = updater.get_optim_op(), net.get_objective()
        threads = {f"{kind}_op_parallelism_threads": options["threads"] for kind in ("intra", "inter")}
        session = tf.Session(config=tf.ConfigProto(**threads))
        session.run(tf.global_variables_initializer())
        net.initialize_params(session)
        updater.init_optimizer_vars(session)
        updater.set_learning_rate(RATE, session)
    feed = {}
    for key, value in batch(options).items():
        feed[data.data[key].placeholder] = value
        feed[data.data[key].get_sequence_lengths()] = [options["frames"]] * options["sequences"]
    size = data.get_batch_info().dim
    if not isinstance(size, int | None):
        feed.setdefault(size, options["sequences"])

    def steps() -> None:
        for _ in range(options["steps"]):
            session.run([update, loss], feed)

    return steps


def pytorch(options: dict[str, Any]) -> Callable[[], None]:
    import torch

    torch.set_num_threads(options["threads"])
    sizes, layers = (options["features"], options["units"]), options["layers"]
    lstm = torch.nn.LSTM(*sizes, layers, bidirectional=True)
    linear = torch.nn.Linear(2 * options["units"], options["classes"])
    optimizer = torch.optim.Adam([*lstm.parameters(), *linear.parameters()], lr=RATE)
    data, classes = (torch.from_numpy(value).transpose(0, 1).contiguous() for value in batch(options).values())

    def steps() -> None:
        for _ in range(options["steps"]):
            optimizer.zero_grad()
            logits = linear(lstm(data)[0])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), classes.flatten().long())
            loss.backward()
            optimizer.step()
            float(loss)

    return steps


def product(options: dict[str, Any]) -> Callable[[], None]:
    """One product of two matrices in TensorFlow, for the peak rate."""
    tf = tensorflow(options)
    matrix = tf.random.stateless_normal([PRODUCT, PRODUCT], [1, 2])

    def multiply() -> None:
        tf.matmul(matrix, matrix).numpy()

    return multiply


ENGINES = {"boulder": boulder, "returnn": returnn, "pytorch": pytorch, "product": product}

if __name__ == "__main__":
    serve(lambda options: ENGINES[options["engine"]](options))
