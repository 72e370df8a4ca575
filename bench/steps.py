"""A step of training, or of beam search, in one of several programs; bench/lstm.py and bench/blocks.py start it.

The options are a JSON object: `engine`, a key of `ENGINES`; `threads`; `steps` of each measurement; `search` for the search of a
batch in place of a step; `new_lengths` for batches of which each has another length; `network`, a key of `NETWORKS`, and its sizes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from networks import batch, lengths, network, streams  # beside this file
from side_by_side import serve

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "recipe")]

RATE = 0.001
PRODUCT = 2048
"""size of the matrices of the program "product" """


def tensorflow(options: dict[str, Any]) -> Any:
    """:return: the module, with the threads of a job"""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(options["threads"])
    return tf


def boulder(options: dict[str, Any]) -> Callable[[], None]:
    """The step of the trainer, with its optimizer and its deterministic operations; with `xla`, as one cluster of XLA."""
    tf = tensorflow(options)
    from boulder.data import open_dataset
    from boulder.network import describe
    from boulder.network.initializers import initial_value
    from boulder.training.model import Model
    from boulder.training.replicas import OneReplica
    from boulder.training.tensorflow_options import prepare_tensorflow
    from boulder.training.training_options import TrainingOptions

    prepare_tensorflow()

    arrays = batch(options)
    spec = describe(network(options), streams(options))
    params = {path: initial_value(p.init, p.shape, 1, path, p.dtype) for path, p in spec.params.items()}
    sequence = {key: value[0] for key, value in arrays.items()}
    dataset = open_dataset({"class": "StaticDataset", "data": [sequence]}, streams(options))
    training = TrainingOptions.from_config({"optimizer": {"class": "adam"}})
    model = Model(spec, params, training, dataset, OneReplica())
    model.updater.learning_rate.assign(RATE)
    if options.get("xla"):
        made = model.compiled_step
        model.compiled_step = tf.function(
            made.python_function, input_signature=made.input_signature, autograph=False, jit_compile=True
        )
    shares = (tensors(options | {"frames": frames}) for frames in lengths_of_batches(options))
    share = next(shares)

    def steps() -> None:
        for number in range(options["steps"]):
            mine = next(shares) if options.get("new_lengths") else share
            float(model.step([mine], tf.constant(number, tf.int64)).norm)

    return steps


def lengths_of_batches(options: dict[str, Any]) -> Iterator[int]:
    """Yields lengths around `frames`, none twice."""
    yield options["frames"]
    for distance in range(1, options["frames"]):
        yield options["frames"] - distance
        yield options["frames"] + distance


def tensors(options: dict[str, Any]) -> dict[str, Any]:
    """:return: the batch as the network reads it"""
    import tensorflow as tf

    sizes = {key: tf.fill([options["sequences"]], length) for key, length in lengths(options).items()}
    return {"data": {key: tf.constant(value) for key, value in batch(options).items()}, "lengths": sizes}


def boulder_search(options: dict[str, Any]) -> Callable[[], None]:
    """The search of a batch, as in a pass over a data set."""
    tf = tensorflow(options)
    from boulder.network import describe, run_network
    from boulder.network.initializers import initial_value

    spec = describe(network(options), streams(options), mode="search")
    variables = {p: tf.constant(initial_value(s.init, s.shape, 1, p, s.dtype)) for p, s in spec.params.items()}
    given = tensors(options)

    @tf.function(autograph=False)
    def search(data: Any, sizes: Any) -> Any:
        return run_network(spec, variables, data, sizes, losses=False).layers["decision"].value

    def steps() -> None:
        for _ in range(options["steps"]):
            search(given["data"], given["lengths"]).numpy()

    return steps


def returnn(options: dict[str, Any]) -> Callable[[], None]:
    """The step of RETURNN's engine: its network and its updater, in a session."""
    tensorflow(options)
    import tensorflow.compat.v1 as tf
    from returnn.config import Config, global_config_ctx
    from returnn.log import log
    from returnn.tf import native_op
    from returnn.tf.network import ExternData, TFNetwork
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
        search = bool(options.get("search"))
        net = TFNetwork(config=config, extern_data=data, train_flag=not search, search_flag=search)
        net.construct_from_dict(config.typed_dict["network"])
        threads = {f"{kind}_op_parallelism_threads": options["threads"] for kind in ("intra", "inter")}
        session = tf.Session(config=tf.ConfigProto(**threads))
        session.run(tf.global_variables_initializer())
        net.initialize_params(session)
        fetched = [net.layers["decision"].output.placeholder] if search else _updates(config, net, session)
    feed = {}
    for key, value in batch(options).items():
        feed[data.data[key].placeholder] = value
        feed[data.data[key].get_sequence_lengths()] = [lengths(options)[key]] * options["sequences"]
    size = data.get_batch_info().dim
    if not isinstance(size, int | None):
        feed.setdefault(size, options["sequences"])

    def steps() -> None:
        for _ in range(options["steps"]):
            session.run(fetched, feed)

    return steps


def _updates(config: Any, net: Any, session: Any) -> list[Any]:
    """:return: what a session runs in a step"""
    from returnn.tf.updater import Updater

    updater = Updater(config=config, network=net, initial_learning_rate=RATE)
    updater.set_trainable_vars(net.get_trainable_params())
    fetched = [updater.get_optim_op(), net.get_objective()]
    updater.init_optimizer_vars(session)
    updater.set_learning_rate(RATE, session)
    return fetched


def pytorch(options: dict[str, Any]) -> Callable[[], None]:
    import torch

    torch.set_num_threads(options["threads"])
    model = {"blstm": _pytorch_blstm, "transformer": _pytorch_transformer}[options["network"]](options)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    data, classes = (torch.from_numpy(value).transpose(0, 1).contiguous() for value in batch(options).values())

    def steps() -> None:
        for _ in range(options["steps"]):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(data).flatten(0, 1), classes.flatten().long())
            loss.backward()
            optimizer.step()
            float(loss)

    return steps


def _pytorch_blstm(options: dict[str, Any]) -> Any:
    import torch

    class Blstm(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(options["features"], options["units"], options["layers"], bidirectional=True)
            self.output = torch.nn.Linear(2 * options["units"], options["classes"])

        def forward(self, data: Any) -> Any:
            return self.output(self.lstm(data)[0])

    return Blstm()


def _pytorch_transformer(options: dict[str, Any]) -> Any:
    import torch

    width = options["units"]
    sizes = {"d_model": width, "nhead": width // 64, "dim_feedforward": 4 * width}
    layers = [torch.nn.TransformerEncoderLayer(**sizes, dropout=0.0, norm_first=True) for _ in range(options["layers"])]
    ends = torch.nn.Linear(options["features"], width), torch.nn.Linear(width, options["classes"])
    return torch.nn.Sequential(ends[0], *layers, ends[1])


def product(options: dict[str, Any]) -> Callable[[], None]:
    """One product of two matrices in TensorFlow, for the peak rate."""
    tf = tensorflow(options)
    matrix = tf.random.stateless_normal([PRODUCT, PRODUCT], [1, 2])

    def multiply() -> None:
        tf.matmul(matrix, matrix).numpy()

    return multiply


ENGINES = {
    "boulder": boulder,
    "boulder-search": boulder_search,
    "returnn": returnn,
    "pytorch": pytorch,
    "product": product,
}

if __name__ == "__main__":
    serve(lambda options: ENGINES[options["engine"]](options))
