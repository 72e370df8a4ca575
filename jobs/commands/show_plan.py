"""`boulder plan`: shows the phases of a config. Submits no job and does not import TensorFlow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from boulder import strict_json
from boulder.errors import BoulderError, ConfigError, ConfigProblems, nearest
from boulder.network import NetworkSpec, describe
from boulder.report import phase_table
from boulder.report.phases import phase_rows
from boulder.returnn.notices import Misspelt, Notice
from boulder.schedule import Plan, changes
from boulder.schedule.canonical import canonical
from boulder.training.growth import planned_growth
from boulder.training.phase_making import DATA_KEYS
from jobs.before_jobs import check_before_jobs
from jobs.commands.laid_out_config import pipelines_of, returnn_config
from jobs.commands.show_loops import loop_lines
from jobs.commands.waiting_config import waiting_lines
from jobs.missing_data import planning_without_data
from jobs.notices import kept_notices, show_notices


@dataclass(frozen=True)
class PlannedNetworks:
    """
    :param name: of the pipeline, or of the RETURNN config file
    :param specs: network of each phase; None for a network that Boulder cannot train
    :param problems: what `boulder run` would refuse, a line each
    :param notices: what `boulder run` would tell about options
    :param needs: the plan continues once there are scores up to this epoch; None if it is complete
    :param extern_data: data streams
    """

    name: str
    plan: Plan
    specs: list[NetworkSpec | None]
    problems: Sequence[str] = ()
    notices: Sequence[Notice] = ()
    needs: int | None = None
    extern_data: dict = field(default_factory=dict)

    def rows(self) -> list[dict]:
        """:return: the phase table, see `boulder.report.PhaseRow`"""
        return phase_rows(self.plan, self.specs, planned_growth(self.plan, self.specs))


def show_plan(
    name: str,
    console: Console,
    *,
    as_json: bool = False,
    diff: bool = False,
    loops: bool = False,
    epoch: int | None = None,
    check: bool = False,
) -> int:
    """
    :param name: a config of Sisyphus, e.g. `config/g2p.demo`, or a RETURNN config file
    :param as_json: print every phase with its complete network
    :param diff: print what changes in the net dict from phase to phase, option by option
    :param loops: print which layers of each loop are computed inside it, and which before or after it
    :param epoch: print only the network of this epoch
    :param check: plan twice and report where the two plans differ
    :return: exit code, 1 if `check` found a difference, or if `boulder run` would refuse a RETURNN config
    :raises BoulderError: if the config gives no plan
    """
    read = _reader(name, may_wait=epoch is None and not check)
    found = read()
    if check:
        return _check(found, read(), console)
    if epoch is not None:
        networks = {planned.name: canonical(planned.plan.phase(epoch).network) for planned in found}
        print(strict_json.dumps(networks if len(found) > 1 else next(iter(networks.values())), indent=1))
    elif as_json:
        print(strict_json.dumps([_as_json(planned) for planned in found], indent=1))
    else:
        for planned in found:
            console.print(f"[bold]{escape(planned.name)}[/bold]")
            if diff or loops:
                lines = _differences(planned.plan) if diff else loop_lines(planned.plan, planned.extern_data)
                for line in lines:
                    console.print(escape(line), highlight=False, soft_wrap=True)
            else:
                phase_table(planned.rows(), console)
            tell_what_it_needs(planned.needs, console)
            _tell_misspelt(planned.notices, console)
            _tell_problems(planned.problems, console)
    for line in waiting_lines():
        print(f"{name}: {line}", file=sys.stderr)
    return 0 if epoch is not None else int(any(planned.problems for planned in found))


def _tell_misspelt(notices: Sequence[Notice], console: Console) -> None:
    for notice in notices:
        if isinstance(notice, Misspelt):
            console.print(f"[yellow]{escape(repr(notice.option))}: {escape(notice.text)}[/yellow]", soft_wrap=True)


def _tell_problems(problems: Sequence[str], console: Console) -> None:
    if problems:
        console.print("[red]`boulder run` would refuse it:[/red]")
    for problem in problems:
        console.print(f"  {escape(problem)}", highlight=False, soft_wrap=True)


def planned_networks(name: str, pipeline: str | None = None) -> PlannedNetworks:
    """
    :param name: see `show_plan`
    :param pipeline: if the config lays out several
    :raises BoulderError: if the config gives no plan, or several to choose from
    """
    found = {planned.name: planned for planned in _reader(name)()}
    if pipeline is None and len(found) == 1:
        return next(iter(found.values()))
    if pipeline not in found:
        which = "several pipelines" if pipeline is None else f"no pipeline {pipeline!r}"
        near = nearest(pipeline, found) if pipeline else ""
        raise ConfigError(
            f"config {name!r}: it lays out {which}: expected by --pipeline one of {', '.join(found)}{near}"
        )
    return found[pipeline]


def tell_what_it_needs(needs: int | None, console: Console) -> None:
    """:param needs: the plan continues once there are scores up to this epoch; None if it is complete"""
    if needs is not None:
        console.print(f"the plan continues after epoch {needs}, once there are scores", highlight=False)


def _reader(name: str, may_wait: bool = False) -> Callable[[], list[PlannedNetworks]]:
    """:return: function that reads the config"""
    found = returnn_config(name)
    return (lambda: [_returnn_config(*found)]) if found else (lambda: _sisyphus_config(name, may_wait))


def _sisyphus_config(name: str, may_wait: bool) -> list[PlannedNetworks]:
    with planning_without_data():
        pipelines = pipelines_of(name, may_wait=may_wait)
    found = [
        PlannedNetworks(
            title,
            pipeline.plan,
            list(pipeline.specs),
            pipeline.missing,
            notices=kept_notices().get(title, ()),
            needs=pipeline.needs,
            extern_data=pipeline.jobs[0].extern_data,
        )
        for title, pipeline in pipelines.items()
    ]
    if problems := _problems_of_graph():  # told once, below all tables
        found[-1:] = [replace(last, problems=[*last.problems, *problems]) for last in found[-1:]]
    return found


def _problems_of_graph() -> list[str]:
    """:return: what is wrong with the outputs and jobs of all pipelines together"""
    try:
        check_before_jobs()
    except BoulderError as error:
        return [str(error)]
    return []


def _returnn_config(path: Path, arguments: Mapping[str, Any]) -> PlannedNetworks:
    from boulder.returnn import load_config
    from boulder.returnn.training import planned

    config = load_config(path)
    config.train_on({key: arguments.get(key) for key in DATA_KEYS}, Path.cwd())
    try:
        plan = planned(config)
    except BoulderError:
        config.training(networks=True, readable=True)  # raises this error and all others
        raise
    problems: Sequence[str] = ()
    notices: Sequence[Notice] = ()
    try:
        notices = config.training(networks=True, readable=True).notices
    except ConfigProblems as error:
        problems = error.problems
    return PlannedNetworks(
        str(path), plan, _specs(plan, config.extern_data), problems, notices, extern_data=config.extern_data
    )


def _specs(plan: Plan, extern_data: dict) -> list[NetworkSpec | None]:
    specs: list[NetworkSpec | None] = []
    for phase in plan.phases:
        try:
            specs.append(describe(phase.network, extern_data))
        except BoulderError:  # one of the problems
            specs.append(None)
    return specs


def _as_json(planned: PlannedNetworks) -> object:
    phases = [row | {"network": phase.network} for row, phase in zip(planned.rows(), planned.plan.phases, strict=True)]
    return canonical(
        {
            "name": planned.name,
            "num_pretrain_epochs": planned.plan.num_pretrain_epochs,
            "needs": planned.needs,
            "problems": planned.problems,
            "phases": phases,
        }
    )


def _differences(plan: Plan) -> Iterator[str]:
    before: dict = {}
    for number, phase in enumerate(plan.phases):
        yield f"phase {number} ({phase.name}), epochs {phase.epochs[0]}–{phase.epochs[-1]}"
        difference = changes(before, phase.network)
        for sign, layers in (("+", difference.added), ("-", difference.removed)):
            yield from (f"  {sign} {layer}: {(phase.network if sign == '+' else before)[layer]}" for layer in layers)
        for layer, options in difference.changed.items():
            for option, (old, new) in options.items():
                yield f"  ~ {layer}/{option}: {old!r} → {new!r}"
        yield from (f"  # {key} = {value!r}" for key, value in phase.config.items())
        before = phase.network


def _check(first: list[PlannedNetworks], second: list[PlannedNetworks], console: Console) -> int:
    """:return: exit code, 1 if two plans of the same config differ"""
    differ = 0
    for one, two in zip(first, second, strict=True):
        for number, (a, b) in enumerate(zip(one.plan.phases, two.plan.phases, strict=False)):
            difference = changes(a.network, b.network)
            if difference or a.epochs != b.epochs:
                differ += 1
                console.print(f"warning: {escape(one.name)}, phase {number}: asked twice, the algo gives two networks: "
                              f"{escape(str(difference) or f'epochs {a.epochs} and {b.epochs}')}", soft_wrap=True)  # fmt: skip
        if len(one.plan.phases) != len(two.plan.phases):
            differ += 1
            counts = f"{len(one.plan.phases)} and {len(two.plan.phases)}"
            console.print(f"warning: {escape(one.name)}: asked twice, the algo gives {counts} phases")
    if not differ:
        console.print("the algo gives the same networks when it is asked twice")
    for planned in first:
        show_notices(planned.name, planned.notices, console)
        _tell_problems(planned.problems, console)
    return int(differ > 0 or any(planned.problems for planned in first))
