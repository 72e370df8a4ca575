"""One file for each loss, or for a few of a kind. Importing this package registers them all."""

from boulder.network.losses import as_is, bin_ce, ce, ctc, distance, edit_distance

__all__ = ["as_is", "bin_ce", "ce", "ctc", "distance", "edit_distance"]
