"""What Boulder relies on in TensorFlow and Keras beyond their documentation, see `boulder.private_api`."""

import tensorflow as tf

from boulder.private_api import while_loop_depth


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
