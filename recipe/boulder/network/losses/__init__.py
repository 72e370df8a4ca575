"""One file for each loss. Importing this package registers them all."""

from boulder.network.losses import ce, ctc

__all__ = ["ce", "ctc"]
