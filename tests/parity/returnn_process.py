"""Run by a Python that has RETURNN: `returnn_process.py CASES RESULTS`, both pickled lists. What a case asks for is its "kind":

parameters a net dict → path and shape of each parameter
network    a net dict with parameters by path and a batch → parameters, outputs of layers, losses, gradients
grow       two net dicts, the old one's parameters and fresh values of the new one → the new one's parameters
engine     networks of a pretraining, one after the other, see returnn_engine.py
subset     an old array, a fresh one and its splits → RETURNN's new array, or None where it stops at an assertion
"""

import pickle
import sys

import numpy


def main(cases_file, results_file):
    import returnn_engine  # beside this file
    from returnn.log import log
    from returnn.tf import native_op
    from returnn.tf.util import basic as tf_util
    from returnn.util.basic import BackendEngine

    native_op.OpMaker.with_cuda = False
    log.initialize(verbosity=[2])
    BackendEngine.select_engine(engine=BackendEngine.TensorFlowNetDict)  # TensorFlow is its behavior version 16
    tf_util.setup_tf_thread_pools(log_file=None)
    with open(cases_file, "rb") as file:
        cases = pickle.load(file)
    answers = {
        "parameters": parameters,
        "network": network,
        "grow": grow,
        "engine": returnn_engine.grow,
        "subset": subset,
    }
    results = [answers[case.pop("kind")](**case) for case in cases]
    with open(results_file, "wb") as file:
        pickle.dump(results, file)


class Built:
    """A RETURNN network in a graph and a session of its own. Losses in loops are there only while training."""

    def __init__(self, net, extern_data, search=False):
        import tensorflow as tf
        from returnn.config import Config, global_config_ctx
        from returnn.tf.network import ExternData, TFNetwork

        self.tf = tf.compat.v1
        self.graph = tf.Graph()
        self.config = Config({"extern_data": extern_data, "network": net})
        with self.graph.as_default(), global_config_ctx(self.config):
            self.extern_data = ExternData()
            self.extern_data.init_from_config(self.config, auto_create_placeholders=True)
            self.network = TFNetwork(
                config=self.config,
                extern_data=self.extern_data,
                train_flag=not search,
                search_flag=search,
            )
            self.network.construct_from_dict(net)
            # a loop makes some of its layers, and their parameters, only when it is asked for losses
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
        """:return: what is reported"""
        told = {"cost": loss.get_loss_value(), "error": loss.get_error_value(), "frames": 1.0 / loss.get_norm_factor()}
        return {what: value for what, value in told.items() if value is not None}

    def inside(self):
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
        result = {}
        for key, value in data.items():
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


def network(net, extern_data, params, data, lengths, layers=(), search=False):
    built = Built(net, extern_data, search=search)
    with built.inside():
        if set(params) != set(built.variables):
            ours, theirs = sorted(set(params) - set(built.variables)), sorted(set(built.variables) - set(params))
            return {"error": f"parameters that RETURNN has not: {ours}; that it has beside them: {theirs}"}
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
        return built.session.run(wanted, built.feed(data, lengths)) | {"shapes": shapes}


def grow(old_net, new_net, extern_data, params, fresh, mode):
    old = Built(old_net, extern_data)
    with old.inside():
        old.set(params)
        serialized = old.network.get_params_serialized(old.session)
    new = Built(new_net, extern_data)
    with new.inside():
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
