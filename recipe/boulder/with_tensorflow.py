"""Imports TensorFlow when it is imported itself, as `boulder.lazy` does: for processes that import modules by their names."""

from boulder.lazy import keras, tf

_ = tf.version, keras.optimizers
