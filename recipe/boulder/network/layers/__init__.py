"""The layer classes, one file per family. Importing this package registers all of them."""

# ruff: noqa: F401 (imported to be registered)

from boulder.network.layers import (
    activation,
    attention,
    choice,
    combine,
    compare,
    constant,
    conv,
    copy,
    dot,
    expand_dims,
    gating,
    get_last_hidden_state,
    hdf_dump,
    in_time,
    layer_norm,
    linear,
    merge_dims,
    pool,
    positional_encoding,
    range_in_axis,
    rec,
    reduce,
    reinterpret_data,
    repeat,
    rnn_cell,
    self_attention,
    split_dims,
    subnetwork,
)
