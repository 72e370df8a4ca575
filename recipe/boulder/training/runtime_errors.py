"""Errors of TensorFlow at run time, in one line that names the layer."""

from __future__ import annotations

import re

from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.network.run_state import scope_of

_LONGEST = 500
_NODE = re.compile(r"\[\[\{\{node ([^}]+)\}\}")


def in_one_line(error: Exception, spec: NetworkSpec | None) -> str:
    """
    :param error: any; those of compiled functions name an operation, and list where it was made
    :param spec: the network that was computed; None if it is not known
    :return: the layer, as far as it is known, the class of the error, and what is wrong
    """
    text, kind = str(error), type(error).__name__
    node = _NODE.search(text) if isinstance(error, tf.errors.OpError) else None
    if node is None:
        return f"{kind}: {' '.join(text.split())[:_LONGEST]}"
    before = [line.strip() for line in text[: node.start()].splitlines()]
    cause = next((line for line in reversed(before) if line), "")
    layer = _layer_of(node[1], spec)
    return f"{f'layer {layer!r}: ' if layer else ''}{kind}: {cause[:_LONGEST]} (in the operation {node[1]!r})"


def _layer_of(operation: str, spec: NetworkSpec | None) -> str | None:
    """:return: the innermost layer whose name scope the operation is in"""
    names = {layer.name for layer in spec.all_layers()} if spec else set()
    within = [name for name in names if f"/{scope_of(name)}" in f"/{operation}"]
    return max(within, key=len, default=None)
