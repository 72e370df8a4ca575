"""`rec` with a subnetwork: a loop over frames, in which layers see what layers were in the frame before (`prev:`).

This is the loop as the net dict says it. `boulder.network.loop` makes layers of it that can be computed: the ones before the
loop, the loop, the ones after it, and at last this one, which is what the rest of the network sees of them.
"""

from dataclasses import dataclass

from boulder.network.layer import ConcatLayer
from boulder.network.loop.axes import left


@dataclass(frozen=True, kw_only=True)
class Loop(ConcatLayer):
    """
    :param unit: net dict of what is computed in each frame; its `output` is the layer's
    :param sources: what is gone through frame by frame, `data:source` in the subnetwork; without it, the target says how
        many frames there are, and in a search `end` does
    :param max_seq_len: of a search: a number of frames, or an expression such as "max_len_from('base:encoder') * 2"
    :param include_eos: of a search: whether the frame in which `end` comes true belongs to the sequence
    :param optimize_move_layers_out: False computes all layers within the loop
    :param cheating: says nothing, as in RETURNN: it is the option of `choice`
    :param unroll: says nothing: the loop is compiled anyhow
    """

    class_name = "rec"

    sources: str | list[str] = ()
    unit: dict
    max_seq_len: int | str | None = None
    include_eos: bool = False
    optimize_move_layers_out: bool | None = None
    cheating: bool | str = False
    unroll: bool = False

    def compute(self, run, output):
        return left(run, output, run.template)
