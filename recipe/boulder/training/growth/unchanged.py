"""Options of a layer that must stay for it to compute the same in a wider network."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from boulder.errors import ConfigError
from boulder.network.axes import Axis
from boulder.network.dims import NetDim
from boulder.schedule.functions import function_digest

_OF_TRAINING = """
    loss loss_scale loss_only_on_non_search loss_opts target register_as_extern_data L2 darc1 spatial_smoothing trainable
    param_variational_noise param_dropout param_dropout_min_ndim param_device updater_opts recompute custom_param_importer
    dropout dropout_axis dropout_noise_shape dropout_on_forward mask attention_dropout rec_weight_dropout grad_filter
    forward_weights_init recurrent_weights_init bias_init init init_by_layer gamma_init beta_init compute_priors_exp_average
"""
_OF_THE_NET_DICT = """
    sources out_shape out_type size_target name_scope reuse_params is_output_layer need_last only_on_search only_on_eval
    collocate_with control_dependencies_on_output encapsulate debug_print_layer_output subnetwork body loop whole
"""
_SIZES = "n_out out_dim in_dim num_heads total_key_dim groups dims dim shape param_shape size size_splits out_dims"
_STATED_BY_THE_LAYER = "energy_factor"

_FREE = frozenset(f"{_OF_TRAINING} {_OF_THE_NET_DICT} {_SIZES} {_STATED_BY_THE_LAYER}".split())
"""Options that only training depends on, that give sizes, or of which the layer's own `widening` takes care."""

_UNIT_SIZES = frozenset({"num_proj"})


def changed_option(old: Any, new: Any) -> str | None:
    """
    :param old: a layer in the old network
    :param new: the same layer in the new network
    :return: what has changed, as the end of a sentence; None if the layer may compute the same
    """
    if old.class_name != new.class_name:
        return f"was of class {old.class_name!r}"
    known = {f.name for f in fields(old)}
    for f in fields(new):
        if f.name in _FREE or f.name not in known:
            continue
        before, after = getattr(old, f.name), getattr(new, f.name)
        if f.name == "eval" and isinstance(before, str) and isinstance(after, str):
            continue  # which may differ by a factor
        if hasattr(before, "class_name") and hasattr(after, "class_name"):  # a layer that this one wraps
            if problem := changed_option(before, after):
                return problem
            continue
        if f.name == "unit" and isinstance(after, dict):  # a loop's layers are compared one by one
            continue
        if _plain(before) != _plain(after) and not _named_source(f.name, before, after, old, new):
            return f"has {f.name!r} {after!r:.60}, but had {before!r:.60}"
    return None


def _named_source(option: str, before: object, after: object, old: Any, new: Any) -> bool:
    """:return: whether the option names a source, which may have another name now"""
    return (
        isinstance(before, str)
        and isinstance(after, str)
        and before in old.dependencies("train")
        and after in new.dependencies("train")
    )


def _plain(value: object) -> object:
    """:return: the value, where sizes of axes do not count"""
    match value:
        case NetDim() | Axis():
            return "an axis"
        case str():
            return re.sub(r"\bdim:\d+", "dim", value)  # an axis by its size
        case dict():
            return {_plain(key): _plain(item) for key, item in value.items() if key not in _UNIT_SIZES}
        case list() | tuple():
            return [_plain(item) for item in value]
        case set():
            return len(value)
    if callable(value):
        try:
            return function_digest(value)
        except ConfigError:
            return value
    return value
