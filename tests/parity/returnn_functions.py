"""Functions of `returnn.tf.util.basic`, for returnn_process.py."""

import inspect


def call(calls):
    """
    :param calls: (name, arguments, named arguments): NumPy arrays among them become tensors
    :return: for each call, the names of the function's parameters, its result, and the gradients of the sum of the squares of the
        result with respect to the arrays of floats
    """
    import tensorflow as tf
    from returnn.tf.util import basic

    results = []
    for name, arguments, named in calls:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            arguments = [tf.constant(value) if hasattr(value, "dtype") else value for value in arguments]
            result = tf.convert_to_tensor(getattr(basic, name)(*arguments, **named))
            floats = [value for value in arguments if tf.is_tensor(value) and value.dtype.is_floating]
            gradients = []
            if result.dtype.is_floating and floats:
                found = tf.gradients(tf.reduce_sum(tf.square(result)), floats)
                gradients = [tf.convert_to_tensor(g) for g in found if g is not None]
            parameters = list(inspect.signature(getattr(basic, name)).parameters)
            results.append((parameters, *session.run((result, gradients))))
    return results
