"""`ctc_opts` of the loss `ctc`: options of the implementation that computes the cost in RETURNN, TensorFlow's or its own."""

from dataclasses import dataclass, fields

from boulder.errors import NetworkError
from boulder.network.option_parsing import parse


@dataclass(frozen=True, kw_only=True)
class CtcOptions:
    """
    :param label_loop: whether a label may last several frames
    :param ctc_merge_repeated: the same under another name
    :param preprocess_collapse_repeated: whether equal labels in a row are one
    :param blank_index: class of the blank; negative from the end
    :param logits_normalize: whether a log-softmax is applied
    :param grad_wrt_softmax_in: whether the gradient is that of a softmax in front
    :param zero_infinity: has no effect
    :param ignore_longer_outputs_than_inputs: has no effect
    """

    label_loop: bool | None = None
    ctc_merge_repeated: bool | None = None
    preprocess_collapse_repeated: bool = False
    blank_index: int = -1
    logits_normalize: bool = True
    grad_wrt_softmax_in: bool = True
    zero_infinity: bool | None = None
    ignore_longer_outputs_than_inputs: bool = True

    @property
    def loops(self) -> bool:
        """:return: whether a label may last several frames"""
        given = self.label_loop if self.ctc_merge_repeated is None else self.ctc_merge_repeated
        return True if given is None else given


_HINTS: tuple[str, ...] = ("ignore_longer_outputs_than_inputs",)
_OF_TENSORFLOW: tuple[str, ...] = (*_HINTS, "ctc_merge_repeated", "preprocess_collapse_repeated")
_OF_NATIVE: tuple[str, ...] = tuple(
    field.name for field in fields(CtcOptions) if field.name != "preprocess_collapse_repeated"
)


def read_ctc_options(given: dict, use_native: bool, use_viterbi: bool) -> CtcOptions:
    """
    :raises NetworkError: for an unknown option, and for one that this implementation lacks
    """
    kind, known = ("with 'use_native'", _OF_NATIVE) if use_native else ("without 'use_native': True", _OF_TENSORFLOW)
    if use_viterbi:
        kind, known = "with 'use_viterbi'", _HINTS
    for option in given:
        if option in _OF_TENSORFLOW + _OF_NATIVE and option not in known:
            raise NetworkError(f"'ctc_opts': {option!r} has no meaning {kind}; expected some of {', '.join(known)}")
    options = parse(CtcOptions, given, "'ctc_opts'")
    if options.label_loop is not None and options.ctc_merge_repeated is not None:
        raise NetworkError(
            "'ctc_opts': found 'label_loop' and 'ctc_merge_repeated', which are the same; expected one of them"
        )
    return options
