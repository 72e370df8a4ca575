"""Computes reference results with RETURNN: `returnn_process.py CASES RESULTS`. Both files hold pickled lists.

The "kind" of a case is one of:

parameters  net dict → path and shape of each parameter
code        text of a config file, name of a layer, batch, numbers of updates → output of the layer in training, for each
network     net dict, parameters by path, batch → shapes of the parameters, outputs of layers, losses, gradients
constraints net dict, parameters by path, batch → the terms of the objective that are no losses, and their gradients
grow        two net dicts, parameters of the first, initial values of the second → parameters of the second
engine      networks of a pretraining in order, see returnn_engine.py
update      options, parameters, gradients of each step → parameters after each step, see returnn_updater.py
task        name of a task, config, parameters, data set, file to write, see returnn_tasks.py
save        net dict, parameters, path → a checkpoint; likewise start and load, see returnn_checkpoints.py
train       path of a config file → learning rates, scores, parameters, see returnn_training.py
functions   calls of functions of RETURNN → results, gradients, see returnn_functions.py
subset      old array, initial array and its splits → new array, or None if an assertion of RETURNN fails
"""

import pickle
import sys
from contextlib import contextmanager
from unittest import mock

import numpy
import returnn_dims  # beside this file
from returnn.util.basic import BehaviorVersion


def main(cases_file, results_file):
    import returnn_checkpoints  # beside this file
    import returnn_engine
    import returnn_functions
    import returnn_tasks
    import returnn_training
    import returnn_updater
    from returnn.log import log
    from returnn.tf import native_op
    from returnn.tf.util import basic as tf_util
    from returnn.util.basic import BackendEngine

    native_op.OpMaker.with_cuda = False
    log.initialize(verbosity=[2])
    BackendEngine.select_engine(
        engine=BackendEngine.TensorFlowNetDict
    )  # `TensorFlow` raises the behavior version to 16
    tf_util.setup_tf_thread_pools(log_file=None)
    with open(cases_file, "rb") as file:
        cases = pickle.load(file)
    functions = {
        "parameters": parameters,
        "code": code,
        "network": network_or_error,
        "constraints": constraints,
        "grow": grow,
        "engine": returnn_engine.grow,
        "save": returnn_checkpoints.save,
        "start": returnn_checkpoints.start,
        "load": returnn_checkpoints.load,
        "subset": subset,
        "update": returnn_updater.update,
        "train": returnn_training.train,
        "task": returnn_tasks.run,
        "functions": returnn_functions.call,
    }
    results = [functions[case.pop("kind")](**case) for case in cases]
    with open(results_file, "wb") as file:
        pickle.dump(results, file)


class Built:
    """RETURNN network in its own graph and session. Losses in loops exist only in training."""

    def __init__(self, net, extern_data, search=False, config=None, train=True):
        """
        :param config: RETURNN's config; None: one with only the net dict and the data streams
        :param train: whether the network is being trained, unless it searches
        """
        import tensorflow as tf
        from returnn.config import Config, global_config_ctx
        from returnn.tf.network import ExternData, TFNetwork

        self.tf = tf.compat.v1
        self.graph = tf.Graph()
        self.config = config or Config({"extern_data": extern_data, "network": net})
        with self.graph.as_default(), global_config_ctx(self.config):
            self.extern_data = ExternData()
            self.extern_data.init_from_config(self.config, auto_create_placeholders=True)
            self.network = TFNetwork(
                config=self.config,
                extern_data=self.extern_data,
                train_flag=train and not search,
                eval_flag=not search,
                search_flag=search,
            )
            self.network.construct_from_dict(net)
            # a loop creates some layers, and their parameters, only when its losses are requested
            losses = {} if search else self.network.get_losses_initialized()[0]
            self.objective = [
                value for loss in losses.values() if (value := loss.get_loss_value_for_objective()) is not None
            ]
            self.losses = {loss.get_layer().get_absolute_name(): self._terms(loss) for loss in losses.values()}
            self.session = self.tf.Session(graph=self.graph)
            self.network.initialize_params(self.session)
            variables = self.tf.get_collection(self.tf.GraphKeys.GLOBAL_VARIABLES)
            self.session.run(self.tf.variables_initializer(variables))
        named = {v.name.removesuffix(":0"): v for v in variables}
        self.variables = {name: v for name, v in named.items() if name not in ("global_step", "epoch_step")}

    @staticmethod
    def _terms(loss):
        """:return: the terms that RETURNN reports"""
        terms = {"cost": loss.get_loss_value(), "error": loss.get_error_value(), "frames": 1.0 / loss.get_norm_factor()}
        return {name: value for name, value in terms.items() if value is not None}

    def active(self):
        """:return: context with this graph, session and config as the default ones"""
        from contextlib import ExitStack

        from returnn.config import global_config_ctx

        stack = ExitStack()
        stack.enter_context(self.graph.as_default())
        stack.enter_context(self.session.as_default())
        stack.enter_context(global_config_ctx(self.config))
        return stack

    def set(self, params):
        for path, value in params.items():
            self.variables[path].load(value, self.session)

    def values(self):
        return {path: self.session.run(variable) for path, variable in self.variables.items()}

    def feed(self, data, lengths):
        """:return: feed dict"""
        result = {}
        for key, value in data.items():
            if key in self.extern_data.extra_added_keys:  # the output of a layer, by `register_as_extern_data`
                continue
            stream = self.extern_data.data[key]
            result[stream.placeholder] = value
            if key in lengths and stream.have_time_axis():
                result[stream.get_sequence_lengths()] = lengths[key]
        batch = self.extern_data.get_batch_info()
        if batch and batch.dim is not None and not isinstance(batch.dim, int):
            result.setdefault(batch.dim, len(next(iter(data.values()))))
        return result


def parameters(net, extern_data):
    built = Built(net, extern_data)
    return {path: variable.shape.as_list() for path, variable in built.variables.items()}


def code(text, layer, data, lengths, steps):
    import io

    from returnn.config import Config

    config = Config()
    config.load_file(io.StringIO(text))
    built = Built(config.typed_dict["network"], config.typed_dict["extern_data"], config=config)
    results = []
    with built.active():
        output = built.network.get_layer(layer).output.copy_as_batch_major().placeholder
        for step in steps:
            built.network.set_global_train_step(step, built.session)
            results.append(built.session.run(output, built.feed(data, lengths)))
    return results


def network(
    params,
    data,
    lengths,
    net=None,
    extern_data=None,
    layers=(),
    search=False,
    behavior_version=0,
    train=True,
    steps=1,
    config_file=None,
    epoch=None,
    automata=None,
    clustered=None,
    sample=None,
):
    """
    :param train: False: as in scoring
    :param steps: number of passes over the batch; the result is that of the last one, with the parameters after it
    :param config_file: has the network and `extern_data`, see `network_of_epoch`
    :param automata: of the batch, in place of those that RETURNN asks RASR for: edges, weights, first and last states
    :param clustered: number of sequences, for the loss `deep_clustering`
    :param sample: in place of the classes that `sampling_loss` draws: the classes, number of draws, probabilities of all classes
    """
    config = None
    if config_file:
        config, net = network_of_epoch(config_file, epoch)
        behavior_version = config.int("behavior_version", 0)
    else:
        dims = returnn_dims.Converter()
        net, extern_data = dims.value(net), {key: dims.stream(entry) for key, entry in extern_data.items()}
    BehaviorVersion._reset((behavior_version, 0))
    with automata_of_rasr(automata), clustering_of(clustered), classes_drawn(sample):
        built = Built(net, extern_data, search=search, train=train, config=config)
    with built.active():
        if set(params) != set(built.variables):
            ours, theirs = sorted(set(params) - set(built.variables)), sorted(set(built.variables) - set(params))
            return {"error": f"parameters only in Boulder: {ours}; only in RETURNN: {theirs}"}
        shapes = {path: tuple(v.shape.as_list()) for path, v in built.variables.items()}
        built.set(params)
        wanted = {"outputs": {}, "losses": {}, "gradients": {}}
        for name in layers:
            out = built.network.get_layer(name).output.copy_as_batch_major()
            sizes = [out.get_dynamic_size(axis) for axis in range(1, out.batch_ndim) if out.is_axis_dynamic(axis)]
            wanted["outputs"][name] = (out.placeholder, sizes)
        if not search:
            wanted["losses"] = built.losses
            if params and built.objective:
                gradients = built.tf.gradients(sum(built.objective), list(built.variables.values()))
                found = zip(built.variables, gradients, strict=True)
                wanted["gradients"] = {p: built.tf.convert_to_tensor(g) for p, g in found if g is not None}
        wanted["after"] = built.network.get_post_control_dependencies()
        for _ in range(steps):
            result = built.session.run(wanted, built.feed(data, lengths))
        return result | {"shapes": shapes, "after": built.values()}


@contextmanager
def clustering_of(sequences):
    """
    Takes the steps of the loop of `deep_clustering` one by one: TensorFlow refuses the loop, whose list of costs begins as a scalar.

    :param sequences: their number; None: changes nothing
    """
    import tensorflow as tf

    def steps(_condition, step, state, **_shapes):
        _, start, _ = state
        costs = tf.zeros([0])
        for sequence in range(sequences):
            with mock.patch("tensorflow.cond", lambda _, more, first, number=sequence: (more if number else first)()):
                _, start, costs = step(tf.constant(sequence), start, costs)
        return sequences, start, costs

    if sequences is None:
        yield
    else:
        with mock.patch("tensorflow.while_loop", steps):
            yield


@contextmanager
def automata_of_rasr(automata):
    """
    :param automata: see `network`; None: RETURNN asks RASR
    """
    import tensorflow as tf

    def stored(sprint_opts, tags):
        return tuple(tf.constant(part) for part in automata)

    if automata is None:
        yield
        return
    with (
        mock.patch("returnn.tf.sprint.get_sprint_automata_for_batch_op", stored),
        mock.patch("returnn.tf.network.TFNetwork.get_seq_tags", return_value=None),
    ):
        yield


@contextmanager
def classes_drawn(sample):
    """
    :param sample: see `network`; None: RETURNN draws
    """
    if sample is None:
        yield
        return
    classes, draws, probabilities = sample

    def expected(ids):
        import tensorflow as tf

        p = tf.gather(tf.constant(probabilities, tf.float64), ids)
        return tf.cast(p * draws if draws == len(classes) else 1 - (1 - p) ** draws, tf.float32)

    def drawn(true_classes, **_options):
        import tensorflow as tf

        return tf.constant(classes, tf.int64), expected(true_classes), expected(classes)

    from tensorflow.compat.v1.nn import sampled_softmax_loss

    operations = "tensorflow.python.ops.candidate_sampling_ops."
    with (
        mock.patch("tensorflow.nn.sampled_softmax_loss", sampled_softmax_loss),  # RETURNN needs TensorFlow 1's
        mock.patch(f"{operations}log_uniform_candidate_sampler", drawn),
        mock.patch(f"{operations}uniform_candidate_sampler", drawn),
        mock.patch(f"{operations}fixed_unigram_candidate_sampler", drawn),
    ):
        yield


def network_of_epoch(config_file, epoch):
    """:return: config without random numbers, see tests/setups/test_setups.py; its net dict in this epoch, which writes no files"""
    from returnn.config import Config, global_config_ctx

    config = Config({"random": False})
    with global_config_ctx(config):
        config.load_file(config_file)
        net = _network_of_epoch(config, epoch)
    # `hdf_dump` needs tags of sequences, and an engine
    return config, {name: layer for name, layer in net.items() if name.startswith("#") or layer["class"] != "hdf_dump"}


def _network_of_epoch(config, epoch):
    from returnn.config import network_json_from_config
    from returnn.pretrain import pretrain_from_config

    if config.has("get_network"):
        return config.typed_value("get_network")(epoch=epoch)
    pretrain = pretrain_from_config(config)
    if pretrain and epoch <= pretrain.get_train_num_epochs():
        return pretrain.get_network_json_for_epoch(epoch)
    return network_json_from_config(config)


def network_or_error(**case):
    """:return: see `network`; {"error": message} if RETURNN fails, so that the other cases run"""
    try:
        return network(**case)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:2000]}


def constraints(net, extern_data, params, data, lengths):
    built = Built(net, extern_data)
    with built.active():
        built.set(params)
        with mock.patch("tensorflow.where", built.tf.where):  # `darc1` needs TensorFlow 1's
            value = built.network.get_total_constraints()
        gradients = built.tf.gradients(value, list(built.variables.values()))
        found = zip(built.variables, gradients, strict=True)
        wanted = {"value": value, "gradients": {p: built.tf.convert_to_tensor(g) for p, g in found if g is not None}}
        return built.session.run(wanted, built.feed(data, lengths))


def grow(old_net, new_net, extern_data, params, fresh, mode):
    old = Built(old_net, extern_data)
    with old.active():
        old.set(params)
        serialized = old.network.get_params_serialized(old.session)
    new = Built(new_net, extern_data)
    with new.active():
        new.set(fresh)
        new.network.set_params_by_serialized(
            serialized, session=new.session, ignore_wrong_shape=True, copy_param_mode=mode, ignore_non_existing=True
        )
        return new.values()


def subset(old, fresh, splits):
    from returnn.tf.util.basic import copy_with_new_split_axes, transform_param_axes_split_info_to_new_shape

    splits = [list(parts) for parts in splits]
    try:
        old_splits = transform_param_axes_split_info_to_new_shape(splits, old.shape)
        return copy_with_new_split_axes(old_splits, splits, old, numpy.array(fresh)), old_splits
    except (AssertionError, ValueError):
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
