"""The undocumented parts of Keras and TensorFlow that `boulder.private_api` uses still do what it needs."""

import inspect

import pytest
import tensorflow as tf

from boulder.private_api import forget_custom_gradients, set_patience, skip_gradient_sum, while_loop_depth


def test_keras_sums_gradients_in_the_method_that_is_replaced():
    import keras

    variable = tf.Variable([1.0])
    optimizer = keras.optimizers.SGD(1.0)
    pairs = [(tf.constant([2.0]), variable)]
    assert optimizer._all_reduce_sum_gradients(pairs)[0][1] is variable
    calls = []
    optimizer._all_reduce_sum_gradients = lambda given: calls.append(given) or given
    optimizer.apply([tf.constant([2.0])], [variable])
    assert len(calls) == 1  # within `apply`, where a replica would sum
    skip_gradient_sum(optimizer)
    optimizer.apply([tf.constant([2.0])], [variable])
    assert (len(calls), variable.numpy().tolist()) == (1, [-3.0])


def test_the_learning_rate_of_an_optimizer_is_one_of_its_variables():
    """Public, but not documented: how `boulder.training.optimizer` tells slots from other variables."""
    import keras

    optimizer = keras.optimizers.Adam(0.5)
    optimizer.build([])
    assert {id(optimizer.iterations), id(optimizer.learning_rate)} == {id(v) for v in optimizer.variables}


def test_the_service_that_watches_processes_takes_the_arguments_and_keeps_them(monkeypatch):
    from tensorflow.python.distribute import collective_all_reduce_strategy
    from tensorflow.python.eager import context

    own = context.Context()  # the process's own stays as it is
    monkeypatch.setattr(context, "context", lambda: own)
    set_patience(3, 300, 120)
    config = own.coordination_service
    assert (config.cluster_register_timeout_in_ms, config.heartbeat_timeout_in_ms) == (300_000, 120_000)
    assert [(job.name, job.num_tasks) for job in config.coordinated_job_list] == [("worker", 3)]
    source = inspect.getsource(collective_all_reduce_strategy)
    assert "if context.context().coordination_service is None:" in source  # else the strategy would overwrite it


@pytest.mark.parametrize("folder", ["recipe/boulder/training"])
def test_no_other_file_uses_private_names(folder):
    import re
    from pathlib import Path

    private = re.compile(r"tensorflow\.(python|compiler)|keras\.src|(optimizer|strategy|variable)\._\w")
    files = [path for path in (Path(__file__).parent.parent / folder).rglob("*.py") if private.search(path.read_text())]
    assert files == []


def test_the_depth_of_while_loops_is_known_while_their_bodies_are_built():
    depths = []

    def record(x):
        depths.append(while_loop_depth())
        return x

    @tf.function(autograph=False)
    def nested(x):
        record(x)
        return tf.map_fn(lambda row: record(tf.scan(lambda _last, entry: record(entry), row)), x)

    nested(tf.zeros([2, 3]))
    assert sorted(set(depths)) == [0, 1, 2]
    assert while_loop_depth() == 0


def test_a_traced_graph_with_a_custom_gradient_is_released():
    """TensorFlow's registry of gradients would hold it for ever."""
    import gc
    import weakref

    @tf.custom_gradient
    def twice(x):
        return 2 * x, lambda of_y: 2 * of_y

    def traced():
        @tf.function(autograph=False)
        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = twice(x)
            return tape.gradient(y, x)

        assert gradient(tf.constant(3.0)).numpy() == 2
        return weakref.ref(gradient.get_concrete_function(tf.constant(3.0)).graph)

    first = traced()
    gc.collect()
    assert first() is not None  # else `forget_custom_gradients` is no longer needed
    forget_custom_gradients()
    gc.collect()
    assert first() is None
    traced()  # a later use registers anew
