"""Steps RETURNN's updater on given gradients."""

import sys


def update(config, values, steps, layers=None):
    """
    The objective is Σ over parameters of Σ gradient · parameter, plus Σ L2 · parameter², so that RETURNN itself derives the
    gradients that are given.

    :param config: options of the config
    :param values: path → initial value
    :param steps: list of (learning rate, path → gradient); a gradient is an array, or (rows, array of the rows) for one with
        respect to rows that `tf.gather` took from the parameter
    :param layers: path → {"updater_opts": …, "L2": …} of the parameter's layer
    :return: for each step, path → value of the parameter after it; or the error message if RETURNN fails
    """
    import tensorflow as tf
    from returnn.config import Config, global_config_ctx
    from returnn.tf.updater import Updater
    from returnn.util.basic import CollectionReadCheckCovered
    from tensorflow.python import training
    from tensorflow.python.ops import gen_training_ops

    # the kernels that RETURNN's Nadam calls have another place in newer versions of TensorFlow
    sys.modules.setdefault("tensorflow.python.training.training_ops", gen_training_ops)
    training.training_ops = gen_training_ops
    tf1 = tf.compat.v1
    config = Config(dict(config))
    with tf.Graph().as_default(), global_config_ctx(config), tf1.Session() as session:
        step = tf1.get_variable("global_step", initializer=tf.constant(0, tf.int64), trainable=False)
        variables, feeds, objective = {}, {}, tf.constant(0.0)
        for path, value in values.items():
            variables[path] = variable = tf1.get_variable(path, initializer=tf.constant(value), use_resource=True)
            layer = (layers or {}).get(path, {})
            if layer.get("updater_opts"):
                variable.RETURNN_updater_opts = CollectionReadCheckCovered(layer["updater_opts"])
            if layer.get("L2") and config.bool("decouple_constraints", False):
                variable.RETURNN_constraint_L2 = layer["L2"]
            elif layer.get("L2"):
                objective += layer["L2"] * 2 * tf.nn.l2_loss(variable)
            gradient = steps[0][1][path]
            if isinstance(gradient, tuple):
                rows = tf1.placeholder(tf.int32, [None])
                feeds[path] = (rows, tf1.placeholder(tf.float32, [None, *gradient[1].shape[1:]]))
                objective += tf.reduce_sum(tf.gather(variable, rows) * feeds[path][1])
            else:
                feeds[path] = tf1.placeholder(tf.float32, gradient.shape)
                objective += tf.reduce_sum(variable * feeds[path])
            if config.float("maximize_grad_norm", 0.0):  # its derivative needs a gradient that depends on the parameter
                objective += tf.reduce_sum(tf.pow(variable, 4))
        results = []
        try:
            updater = Updater(config, objective=objective, global_train_step_var=step)
            updater.set_trainable_vars(list(variables.values()))
            operation = updater.get_optim_op()
            session.run(tf1.global_variables_initializer())
            updater.init_optimizer_vars(session)
            for number, (rate, gradients) in enumerate(steps):
                updater.set_learning_rate(rate, session)
                feed = {}
                for path, gradient in gradients.items():
                    feed |= (
                        dict(zip(feeds[path], gradient, strict=True))
                        if isinstance(gradient, tuple)
                        else {feeds[path]: gradient}
                    )
                session.run(operation, feed)
                results.append(session.run(variables))
                assert session.run(step) == number + 1
        except Exception as error:  # what RETURNN cannot do is a result, too
            return f"{type(error).__name__}: {error}"
    return results
