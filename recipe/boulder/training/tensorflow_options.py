"""How TensorFlow runs the graphs of a training."""

from __future__ import annotations

from boulder.lazy import tf

PASSES_FOR_GPUS = ("remapping", "layout_optimizer", "implementation_selector")
"""Passes of TensorFlow's graph optimizer that find nothing to change in a training on CPUs, and lengthen the first run of each graph."""


def prepare_tensorflow() -> None:
    """Choose deterministic operations, and the passes that optimize graphs. To be called before TensorFlow's first operation."""
    tf.config.experimental.enable_op_determinism()
    passes = bool(tf.config.list_physical_devices("GPU"))
    tf.config.optimizer.set_experimental_options(dict.fromkeys(PASSES_FOR_GPUS, passes))
