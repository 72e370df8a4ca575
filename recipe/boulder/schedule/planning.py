"""`plan`: from a config's `network`, `pretrain` and number of epochs to the phases of the training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

from boulder.awaited import resolved
from boulder.errors import ScheduleError
from boulder.schedule.construction import Step, construct, constructed, make_step, needs_history
from boulder.schedule.epoch_values import refuse_epoch_values
from boulder.schedule.graph_algos import networks_from_input, networks_from_output
from boulder.schedule.hash_keys import REPETITION_KEYS
from boulder.schedule.joining import Stretch, join, same_stretch
from boulder.schedule.phases import Phase, Plan
from boulder.schedule.pretraining import PretrainOptions, read_options
from boulder.schedule.repetitions import resolve_repetitions
from boulder.schedule.unreached import changes_nothing, unreached
from boulder.schedule.user_code import call_user, short


def plan(
    network: dict | None,
    pretrain: dict | bool | str | None,
    num_epochs: int | None = None,
    *,
    get_network: Callable | None = None,
    max_index: int = 1000,
) -> Plan:
    """
    Follows RETURNN's `Pretrain` (module `returnn.pretrain`): trains the constructed networks in order, each for its
    repetitions, then the original network. Its repetitions still count as pretraining; its training continues up to
    `num_epochs`. With two repetitions and an algo that returns None at idx 5, index 0 is trained in epochs 1–2, …, index
    4 in epochs 9–10, and the original network from epoch 11 on.

    :param network: the original net dict, which is not changed; None: there is only `get_network`
    :param pretrain: `{"construction_algo": …, "repetitions": …, "copy_param_mode": …}`, see `pretraining.OPTIONS`;
        True or "default" for RETURNN's default, the algo "from_output"; None, False or {} for no pretraining.
        The algo is called as `algo(idx=…, net_dict=…)`, once per index, in ascending order
    :param num_epochs: cuts the plan, or extends its last phase; None: only the epochs of pretraining
    :param get_network: called as `get_network(epoch=…)` for each epoch after pretraining; returns a net dict. Its
        networks have indices as well, which continue those of pretraining
    :param max_index: limit on the indices of an algo, which guards against algos that never return None
    :raises ScheduleError: one line that names the index, the value found and the expected value
    """
    check_arguments(network, num_epochs, get_network)
    options = read_options(pretrain)
    if num_epochs is None and (options is None or get_network):
        reason = "get_network has no end" if get_network else "there is no pretraining to set it"
        raise ScheduleError(f"num_epochs: found None, expected a number, as {reason}")
    if options is None:
        assert num_epochs is not None  # see above
        return Plan(_without_pretraining(network, num_epochs, get_network), 0)
    if network is None:
        raise ScheduleError("network: found None, expected a net dict, as pretrain needs one")
    steps = _steps(options, network, max_index)
    repetitions = resolve_repetitions(options.repetitions, len(steps), [step.repetitions for step in steps])
    num_pretrain_epochs = sum(repetitions)
    num_epochs = num_epochs or num_pretrain_epochs
    nothing = changes_nothing(steps) if callable(options.algo) else None
    for line in [*unreached(steps, repetitions, num_epochs), *([nothing] if nothing else [])]:
        warnings.warn(line, stacklevel=2)
    stretches = stretches_of(steps, repetitions, num_epochs, get_network)
    phases = join(stretches, reset_outputs=options.reset_outputs, greedy=options.greedy)
    return Plan(phases, num_pretrain_epochs, has_plural=any(step.plural for step in steps))


def check_arguments(network: object, num_epochs: object, get_network: object = None) -> None:
    """
    :raises ScheduleError: if an argument of `plan` has the wrong type
    """
    if not isinstance(network, dict) and (network is not None or get_network is None):
        raise ScheduleError(f"network: found {type(network).__name__}, expected a net dict")
    if num_epochs is not None and (not isinstance(num_epochs, int) or num_epochs < 1):
        raise ScheduleError(f"num_epochs: found {num_epochs!r}, expected at least 1, or None")
    if get_network is not None and not callable(get_network):
        raise ScheduleError(f"get_network: found {short(get_network)}, expected a function of epoch")


def _without_pretraining(network: dict | None, num_epochs: int, get_network: Callable | None) -> tuple[Phase, ...]:
    if get_network:
        stretches = list(_of_get_network(get_network, range(1, num_epochs + 1), None, 0))
    else:
        assert network is not None  # see check_arguments
        refuse_epoch_values(network)
        (step,) = constructed([], network, copy_param_mode=None)
        layers, settings = step.at_epoch(1, {})
        stretches = [Stretch(None, num_epochs, layers, settings, is_pretrain=False)]
    return join(stretches, reset_outputs=False, greedy=False)


def _steps(options: PretrainOptions, network: dict, max_index: int) -> tuple[Step, ...]:
    mode = options.copy_param_mode
    if callable(options.algo):
        if needs_history(options.algo):
            raise ScheduleError(
                "pretrain: construction_algo takes 'history', expected an 'async def' config that awaits lay_out_adaptive "
                "(without jobs: plan_next)"
            )
        return construct(options.algo, network, copy_param_mode=mode, max_index=max_index)
    if options.algo == "no_network_modifications":
        return constructed([], network, copy_param_mode=mode)
    layers = make_step(None, network, "the original network", mode).layers
    for name, layer in layers.items():
        if not isinstance(layer, dict):
            raise ScheduleError(
                f"construction_algo {options.algo!r}: layer {name!r} is {short(layer)}, expected a dict of its options"
            )
    if options.algo == "from_input":
        networks = networks_from_input(layers, options.output_layers)
    else:
        networks = networks_from_output(layers, options.output_layers, options.input_layers)
    return constructed(networks, network, copy_param_mode=mode)


def stretches_of(
    steps: tuple[Step, ...], repetitions: list[int], num_epochs: int, get_network: Callable | None
) -> Iterator[Stretch]:
    """Yields the networks and settings of the epochs up to `num_epochs`. Steps with 0 epochs are left out."""
    epoch = 1
    last: Stretch | None = None
    for step, count in zip(steps, repetitions, strict=True):
        stop = min(epoch + count, num_epochs + 1)
        while epoch < stop:
            layers, settings = step.at_epoch(epoch, last.network if last else {})
            epochs = 1 if step.depends_on_epoch else stop - epoch
            last = Stretch(step.index, epochs, layers, settings, is_pretrain=True)
            yield last
            epoch += epochs
    if get_network:
        yield from _of_get_network(get_network, range(epoch, num_epochs + 1), last, len(steps) - 1)
    elif last and epoch <= num_epochs:  # the last network continues with the last values of its `WrapEpochValue`s
        yield replace(last, epochs=num_epochs + 1 - epoch, is_pretrain=False)


def _of_get_network(get_network: Callable, epochs: range, last: Stretch | None, first_index: int) -> Iterator[Stretch]:
    index = first_index - 1
    for epoch in epochs:
        where = f"get_network at epoch {epoch}"
        net_dict = resolved(call_user(get_network, where, epoch=epoch), where)
        if not isinstance(net_dict, dict):
            raise ScheduleError(f"{where}: returned {short(net_dict)}, expected a net dict")
        # Like RETURNN, this asks for the network of each epoch, so repetitions have no effect.
        once = {name: layer for name, layer in net_dict.items() if name not in REPETITION_KEYS}
        shared = last.network if last else {}
        layers, settings = make_step(index, once, where, None, shared).at_epoch(epoch, shared)
        found = Stretch(index, 1, layers, settings, is_pretrain=False)
        if last and same_stretch(last, found):
            last = replace(found, index=last.index)
        else:
            index += 1
            last = replace(found, index=index)
        yield last
