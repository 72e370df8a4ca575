"""The axis of all frames of a loop so far: in the frame with the number t it has t + 1 entries.

Within an iteration that is its length. Where all frames are computed at once, a tensor has the entries of all frames, and the
lengths along the axis depend on the frame: they are int32 [frames], 1, 2, 3, …
"""

from __future__ import annotations

from collections.abc import Iterable

from boulder.lazy import tf
from boulder.network.axes import TIME, Axis
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template

_HISTORY = "history"

_ENTRY_BY_ENTRY = {
    "activation", "cast", "combine", "combine_dims", "compare", "copy", "dot", "dropout", "elemwise_prod", "eval", "expand_dims",
    "gating", "generic_attention", "identity", "layer_norm", "linear", "merge_dims", "range_in_axis", "reinterpret_data",
    "relative_positional_encoding", "scaled_grad", "split", "split_dims", "squeeze", "stack", "swap_axes", "switch", "transpose",
}  # fmt: skip
"""classes whose output for an entry along the axis depends on no other entry, or that ask for the lengths themselves"""


def history(loop: Axis, name: str) -> Axis:
    """
    :param name: distinguishes several of one loop
    """
    return Axis(TIME, None, (_HISTORY, name, loop.origin))


def is_history(axis: Axis, loop: Axis) -> bool:
    """:return: whether the axis is of the frames of this loop so far"""
    return axis.origin[:1] == (_HISTORY,) and axis.origin[-1] == loop.origin


def grows(axis: Axis, loop: Axis) -> bool:
    """:return: whether the axis is of the frames of this loop so far, or is derived from such an axis"""
    origin = axis.origin
    while origin:
        if origin[:1] == (_HISTORY,) and origin[-1] == loop.origin:
            return True
        origin = next((part for part in reversed(origin) if isinstance(part, tuple)), ())
    return False


def set_lengths(run: LayerRun, axis: Axis, loop: Axis) -> None:
    """Sets the lengths along an axis of frames so far, for all frames of the loop at once."""
    run.define_length(axis, (loop,), lambda: tf.range(run.frames(loop)) + 1)


def differs_at_once(class_name: str, output: Template, sources: Iterable[Template], loop: Axis) -> bool:
    """
    :param output: of a layer of the loop, for all frames at once
    :param sources: its inputs, likewise
    :return: whether the layer may need entries of a source along the frames so far without those after the current frame, where
        the source has those of all frames: it lacks the axis of the loop, on which the lengths depend
    """
    for template in sources:
        growing = [axis for axis in template.axes if grows(axis, loop)]
        if not growing or loop in template.axes:
            continue
        if class_name not in _ENTRY_BY_ENTRY or not (loop in output.axes or set(growing) <= set(output.axes)):
            return True
    return False
