"""RETURNN decodes the labels of a CTC loss with a beam of 100, for the error on data for evaluation. Boulder's default is 1."""

from __future__ import annotations

from typing import Any

BEAM_WIDTH = 100


def with_default_beam(network: dict[str, Any]) -> dict[str, Any]:
    """
    :param network: net dict
    :return: the net dict in which each CTC loss has a `beam_width`, unless it is `use_native`, for which RETURNN takes the
        best path; equal parts are shared, without CTC all
    """
    changed = {name: _changed(options) for name, options in network.items()}
    return changed if any(changed[name] is not options for name, options in network.items()) else network


def _changed(options: Any) -> Any:
    """:return: options of a layer, or another value in them; layers can hold layers"""
    if not isinstance(options, dict):
        return options
    result = with_default_beam(options)
    loss_opts = options.get("loss_opts") or {}
    if "class" not in options or options.get("loss") != "ctc":
        return result
    if not isinstance(loss_opts, dict) or "beam_width" in loss_opts or loss_opts.get("use_native"):
        return result  # the loss refuses what is no dict
    return {**result, "loss_opts": {**loss_opts, "beam_width": BEAM_WIDTH}}
