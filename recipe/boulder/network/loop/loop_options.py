"""The options of a loop: `rec` with a net dict as its `unit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from boulder.network.dims import NetDim
from boulder.network.layer import ConcatLayer


@dataclass(frozen=True, kw_only=True)
class LoopOptions(ConcatLayer):
    """
    :param unit: net dict of the layers that are computed in each frame; its `output` is the layer's output
    :param sources: the loop iterates over its frames, `data:source` in `unit`; without it, the target gives the number of
        frames, and in a search the layer `end` does
    :param axis: the time axis that the loop iterates over. Without `from`, its `Dim`; one that nothing has defined is the
        axis of the loop's output
    :param size_target: data stream, or "layer:NAME", that gives the number of frames if there is no `from`, in a search as well
    :param max_seq_len: maximal number of frames in a search: a number, or an expression such as
        "max_len_from('base:encoder') * 2"
    :param include_eos: in a search, whether the frame in which `end` becomes true belongs to the sequence
    :param optimize_move_layers_out: False computes all layers within the loop
    :param cheating: without effect, as in RETURNN: it is an option of `choice`
    :param back_prop: False stops the gradient at the layers that are computed frame by frame; None is True
    :param unroll: without effect: the loop is compiled anyway
    :param debug: without effect: more output in RETURNN
    :param use_global_rec_step_offset: only False: iterations are counted from 0
    """

    class_name = "rec"
    reads_own_target = True
    refused: ClassVar[Mapping[str, str]] = {
        "bias_init": "the layers of 'unit' have initializers of their own",
        "direction": "a loop runs forwards; expected a layer 'reverse_sequence' before and after it",
        "forward_weights_init": "the layers of 'unit' have initializers of their own",
        "initial_state": "the layers of 'unit' have states of their own; expected 'initial_state' or 'initial_output' there",
        "input_projection": "a loop has no matrix of its own",
        "max_seq_len_via": "expected an expression 'max_seq_len' of a layer, such as \"max_len_from('base:encoder')\"",
        "recurrent_weights_init": "the layers of 'unit' have initializers of their own",
        "unit_opts": "the layers of 'unit' have options of their own",
    }

    sources: str | list[str] = field(default_factory=list)
    unit: dict
    axis: NetDim | str | None = None
    max_seq_len: int | str | None = None
    size_target: str | None = None
    include_eos: bool = False
    optimize_move_layers_out: bool | None = None
    cheating: bool | str = False
    unroll: bool = False
    back_prop: bool | None = None
    debug: bool | None = None
    use_global_rec_step_offset: Literal[False] = False
