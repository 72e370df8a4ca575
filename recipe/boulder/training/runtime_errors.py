"""Errors of TensorFlow at run time, in one line that names the layer."""

from __future__ import annotations

import re

from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.network.run_state import layer_of_note, scope_of

_LONGEST = 500
_NODE = re.compile(r"\{\{node ([^}]+)\}\}")
_NOISE = re.compile(r"^\(\d+\) [A-Z_]+: *|, defined at .*|\[Op:\w+\].*| for '$")
_OUT_OF_MEMORY = re.compile("out of memory|out_of_memory|OOM when|failed to allocate|unable to allocate", re.IGNORECASE)


def in_one_line(error: Exception, spec: NetworkSpec | None) -> str:
    """
    :param error: any; those of compiled functions name an operation, and list where it was made
    :param spec: the network that was computed; None if it is not known
    :return: the layer, as far as it is known, the class of the error, and what is wrong
    """
    text, kind = str(error), type(error).__name__
    node = _NODE.search(text)
    operation = node[1] if node else ""
    layer = next(filter(None, map(layer_of_note, getattr(error, "__notes__", ()))), None) or _layer_of(operation, spec)
    begin = f"{f'layer {layer!r}: ' if layer else ''}{kind}: "
    if node is None:
        return f"{begin}{' '.join(text.split())[:_LONGEST]}".rstrip(": ")
    before = [_NOISE.sub("", line.strip(" \t[")) for line in text[: node.start()].splitlines()]
    cause = next((line for line in reversed(before) if line), "")
    return f"{begin}{cause[:_LONGEST]} (in the operation {operation!r})"


def is_out_of_memory(error: Exception) -> bool:
    """:return: whether the memory of the device, or of the machine, did not suffice"""
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, tf.errors.OpError) and bool(_OUT_OF_MEMORY.search(error.message))


def _layer_of(operation: str, spec: NetworkSpec | None) -> str | None:
    """:return: the innermost layer whose name scope the operation is in"""
    names = {layer.name for layer in spec.all_layers()} if spec else set()
    within = [name for name in names if f"/{scope_of(name)}" in f"/{operation}"]
    return max(within, key=len, default=None)
