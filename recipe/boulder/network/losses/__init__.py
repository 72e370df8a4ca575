"""The losses, one file per loss or family of losses. Importing this package registers all of them."""

from boulder.network.losses import as_is, bin_ce, ce, ctc, distance, edit_distance

__all__ = ["as_is", "bin_ce", "ce", "ctc", "distance", "edit_distance"]
