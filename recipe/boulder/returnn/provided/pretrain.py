"""`returnn.pretrain`."""

from boulder.schedule import WrapEpochValue

__all__ = ["WrapEpochValue"]
