"""The options of a loop: `rec` with a net dict as its `unit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim


@dataclass(frozen=True, kw_only=True)
class LoopOptions(ConcatLayer):
    """
    :param unit: net dict of the layers that are computed in each frame; its `output` is the layer's output
    :param sources: the loop iterates over its frames, `data:source` in `unit`; without it, the target gives the number of
        frames, and in a search the layer `end` does. With `from`, a layer `end` ends a hypothesis of a search before its
        sequence ends. RETURNN: the frames in the padding count in a search
    :param axis: the time axis that the loop iterates over. Without `from`, its `Dim`; one that nothing has defined is the
        axis of the loop's output
    :param size_target: data stream, or "layer:NAME", that gives the number of frames if there is no `from`, in a search as well
    :param max_seq_len: maximal number of frames in a search: a number, or an expression such as
        "max_len_from('base:encoder') * 2"
    :param max_seq_len_via: a layer outside of the loop whose output is that number, one for all sequences, in place of `max_seq_len`
    :param include_eos: in a search, whether the frame in which `end` becomes true belongs to the sequence
    :param optimize_move_layers_out: False computes all layers within the loop
    :param cheating: without effect, as in RETURNN: it is an option of `choice`
    :param back_prop: False stops the gradient at the layers that are computed frame by frame; None is True
    :param unroll: without effect: the loop is compiled anyway
    :param debug: without effect: more output in RETURNN
    :param unit_opts: only None: the layers of the loop have options of their own
    :param direction: only 1 or None: `reverse_sequence` before and after the loop reads the frames backwards
    :param initial_state: only None: `initial_output` and `initial_state` of the layers of the loop set what they begin with
    :param input_projection: only True: a layer of the loop multiplies the input with a matrix, or none does
    :param forward_weights_init: only None, like `recurrent_weights_init` and `bias_init`: the layers of the loop have their own
    :param recurrent_weights_init: see `forward_weights_init`
    :param bias_init: see `forward_weights_init`
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
    max_seq_len_via: str | None = None
    size_target: str | None = None
    include_eos: bool = False
    optimize_move_layers_out: bool | None = None
    cheating: bool | str = False
    unroll: bool = False
    back_prop: bool | None = None
    debug: bool | None = None
    unit_opts: None = None
    direction: Literal[1] | None = None
    initial_state: None = None
    input_projection: Literal[True] = True
    forward_weights_init: None = None
    recurrent_weights_init: None = None
    bias_init: None = None
    use_global_rec_step_offset: Literal[False] = False
