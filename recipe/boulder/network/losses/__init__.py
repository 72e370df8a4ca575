"""The losses, one file per loss or family of losses. Importing this package registers all of them."""

# ruff: noqa: F401 (imported to be registered)

from boulder.network.losses import (
    as_is,
    bin_ce,
    ce,
    ctc,
    distance,
    edit_distance,
    search_score,
)
