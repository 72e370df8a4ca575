"""What layers leave in the padding, the frames after the end of a sequence."""

from enum import StrEnum


class InPadding(StrEnum):
    """
    The entries of a layer's output in the padding. They are finite in any case, and class indices are valid, if those of the
    sources are: infinite or NaN, they would reach gradients through products with 0.
    """

    ZERO = "0"
    SOURCE = "entries of the padding of its source"
    FINITE = "any finite values"
