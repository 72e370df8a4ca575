"""The layer classes, one file per family. Importing this package registers all of them."""

import importlib
import pkgutil

from boulder.network.layers import (
    activation,
    attention,
    batch_norm,
    choice,
    combine,
    compare,
    constant,
    conv,
    copy,
    dot,
    expand_dims,
    gather,
    gating,
    get_last_hidden_state,
    hdf_dump,
    in_time,
    layer_norm,
    length,
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
    scatter_nd,
    self_attention,
    seq_len_mask,
    split_dims,
    subnetwork,
    switch,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
