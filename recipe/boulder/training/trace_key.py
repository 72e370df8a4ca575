"""`trace_key`: phases with equal keys have the same graph, so that one is traced for all of them."""

from __future__ import annotations

from collections.abc import Mapping

from boulder import strict_json
from boulder.data import share_spec
from boulder.network import NetworkSpec
from boulder.network.layer import LAYERS
from boulder.schedule.canonical import canonical
from boulder.training.objective import l2_factors
from boulder.training.phase import TrainingPhase
from boulder.training.run import TrainingRun
from boulder.training.scheduled_numbers import numbers_of, rates_of

_OF_LAYERS = ("loss_scale", "L2", "darc1", "spatial_smoothing", "param_variational_noise", "param_dropout")
_OF_CONFIGS = ("param_variational_noise", "param_dropout")

OUTSIDE_OF_GRAPHS = frozenset(
    {
        "batch_size", "max_seqs", "max_pad_size", "max_seq_length", "min_seq_length", "seq_drop", "seq_drop_freq", "chunking",
        "min_chunk_size", "chunking_variance", "returnn_batches", "batching", "reset_updater_vars_mod_step",
        "calculate_exp_loss", "learning_rate_warmup_num_epochs", "learning_rate_warmup_num_steps",
        "learning_rate_warmup_restart", "dynamic_learning_rate", "patience", "use_last_best_model",
        "init_new_network_callback", "growth_callback",
    }
)  # fmt: skip
"""Options that no graph depends on"""


def trace_key(phase: TrainingPhase, spec: NetworkSpec, run: TrainingRun) -> str:
    """
    :return: equal for phases that differ in values of `numbers_of` and `rates_of` at most. The order of layers is part of it: sums
        depend on it in the last bits.
    """
    options, replicas = phase.options, run.replicas.count
    config = {key: value for key, value in phase.config.items() if key not in OUTSIDE_OF_GRAPHS}
    inputs = [*numbers_of(spec, options, replicas), *rates_of(spec)]
    constants = l2_factors(spec, decoupled=True) if options.decouple_constraints else {}
    streams = repr(share_spec(run.train_data, replicas))
    network = _without_numbers(canonical(phase.network))
    config = _without(canonical(config), _OF_CONFIGS)
    return strict_json.dumps([network, config, phase.trainable_layers, inputs, constants, streams])


def _without_numbers(network: object) -> object:
    """:return: canonical net dict, without the numbers of its layers, also of those in loops and subnetworks"""
    if isinstance(network, list):
        return [_without_numbers(item) for item in network]
    if not isinstance(network, dict):
        return network
    inner = {key: _without_numbers(item) for key, item in network.items()}
    name = network.get("class")
    known = LAYERS.find(name, "").variant(network) if isinstance(name, str) and name in LAYERS else None
    return _without(inner, (*_OF_LAYERS, *known.rates)) if known else inner


def _without(options: Mapping[str, object], numbers: tuple[str, ...]) -> dict[str, object]:
    """:return: without the numbers. A 0 stays: there is nothing of it in the graph."""
    return {
        key: value
        for key, value in options.items()
        if not (key in numbers and isinstance(value, int | float) and value)
    }
