"""The way from what a config says (`network`, `pretrain`, number of epochs) to the phases of the training."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from boulder.errors import ScheduleError, nearest
from boulder.schedule.comparing import same_value
from boulder.schedule.construction import Step, check_copy_param_mode, construct
from boulder.schedule.phases import Phase, Plan
from boulder.schedule.repetitions import resolve_repetitions

OPTIONS = (
    "repetitions",
    "construction_algo",
    "copy_param_mode",
    "copy_output_layer",
    "greedy",
    "output_layers",
    "input_layers",
)
"""What a `pretrain` dict may hold."""


@dataclass(frozen=True)
class _Options:
    algo: Callable | None
    repetitions: object
    copy_param_mode: str | None


def plan(network: dict, pretrain: dict | None, num_epochs: int | None = None, *, max_index: int = 1000) -> Plan:
    """
    Semantics of RETURNN's `Pretrain` (module `returnn.pretrain`): the constructed networks one after the other, each
    for its repetitions; then the original network as the last step, whose repetitions still count as pretraining;
    what the last step trains goes on after that, up to `num_epochs`. Two repetitions and an algo that returns None at
    idx 5 give index 0 in epochs 1–2, …, index 4 in epochs 9–10, and the original network from epoch 11 on.

    :param network: the original net dict; it is not changed
    :param pretrain: `{"construction_algo": …, "repetitions": …, "copy_param_mode": …}`; None, False or {} for none.
        The algo is called as `algo(idx=…, net_dict=…)`, once per index, ascending
    :param num_epochs: cuts the plan, or extends its last phase; None: the epochs of pretraining
    :param max_index: the most indices an algo may have; more means that it never returns None
    :raises ScheduleError: one line that says at which index what was found, and what was expected
    """
    if not isinstance(network, dict):
        raise ScheduleError(f"network: found {type(network).__name__}, expected a net dict")
    if num_epochs is not None and (not isinstance(num_epochs, int) or num_epochs < 1):
        raise ScheduleError(f"num_epochs: found {num_epochs!r}, expected at least 1, or None")
    if pretrain is None or pretrain is False or pretrain == {}:
        return _without_pretraining(network, num_epochs, max_index)
    options = _read_options(pretrain)
    steps = construct(options.algo, network, copy_param_mode=options.copy_param_mode, max_index=max_index)
    repetitions = resolve_repetitions(options.repetitions, len(steps), [step.repetitions for step in steps])
    num_pretrain_epochs = sum(repetitions)
    phases = _join(steps, repetitions, is_pretrain=True)
    return Plan(_cut(phases, num_epochs or num_pretrain_epochs), num_pretrain_epochs)


def _without_pretraining(network: dict, num_epochs: int | None, max_index: int) -> Plan:
    if num_epochs is None:
        raise ScheduleError("num_epochs: found None, expected a number, as there is no pretraining that has one")
    steps = construct(None, network, copy_param_mode=None, max_index=max_index)
    return Plan(_join(steps, [num_epochs], is_pretrain=False), 0)


def _read_options(pretrain: object) -> _Options:
    if pretrain is True or pretrain == "default":
        pretrain = {}
    if not isinstance(pretrain, dict):
        raise ScheduleError(f"pretrain: found {pretrain!r}, expected a dict, None or False")
    for key in pretrain:
        if key not in OPTIONS:
            raise ScheduleError(f"pretrain: found unknown option {key!r}{nearest(key, OPTIONS)}")
    # output_layers and input_layers are for the algos of RETURNN that are called by a name; a callable ignores them.
    if pretrain.get("greedy"):
        raise ScheduleError("pretrain: found greedy=True, which is not implemented; expected False or None")
    if pretrain.get("copy_output_layer") not in (None, True, "ifpossible", "subset"):
        raise ScheduleError(
            f"pretrain: found copy_output_layer={pretrain['copy_output_layer']!r}, expected None, True, 'ifpossible' "
            "or 'subset'; another is not implemented"
        )
    return _Options(
        algo=_read_algo(pretrain.get("construction_algo", "from_output")),
        repetitions=pretrain.get("repetitions"),
        copy_param_mode=check_copy_param_mode(pretrain.get("copy_param_mode"), "pretrain: copy_param_mode"),
    )


def _read_algo(algo: object) -> Callable | None:
    if callable(algo):
        return algo
    if algo == "no_network_modifications":
        return None
    expected = "expected a function of idx and net_dict, or 'no_network_modifications'"
    if algo in ("from_output", "from_input"):
        raise ScheduleError(
            f"pretrain: construction_algo {algo!r} (RETURNN's default is 'from_output') is not implemented; {expected}"
        )
    known = ["from_output", "from_input", "no_network_modifications"]
    raise ScheduleError(f"pretrain: found construction_algo {algo!r}, {expected}{nearest(str(algo), known)}")


def _join(steps: tuple[Step, ...], repetitions: list[int], is_pretrain: bool) -> tuple[Phase, ...]:
    """One phase for neighbours that do not differ. A step of 0 epochs is not there at all."""
    phases: list[Phase] = []
    start = 1
    for step, count in zip(steps, repetitions, strict=True):
        if not count:
            continue
        last = phases[-1] if phases else None
        if last and _same(last, step):
            epochs = range(last.epochs.start, start + count)
            phases[-1] = replace(last, epochs=epochs, indices=(*last.indices, step.index))
        else:
            phases.append(
                Phase(
                    index=step.index,
                    epochs=range(start, start + count),
                    network=step.network,
                    config=step.config,
                    copy_param_mode=step.copy_param_mode,
                    is_pretrain=is_pretrain,
                    indices=(step.index,),
                )
            )
        start += count
    return tuple(phases)


def _same(phase: Phase, step: Step) -> bool:
    return (
        phase.copy_param_mode == step.copy_param_mode
        and same_value(phase.network, step.network)
        and same_value(phase.config, step.config)
    )


def _cut(phases: tuple[Phase, ...], num_epochs: int) -> tuple[Phase, ...]:
    kept = [phase for phase in phases if phase.epochs.start <= num_epochs]
    kept[-1] = replace(kept[-1], epochs=range(kept[-1].epochs.start, num_epochs + 1))
    return tuple(kept)
