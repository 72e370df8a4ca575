"""`boulder try`: trains each phase of a config for some steps on generated data. Submits no job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from boulder import strict_json
from boulder.counted import counted
from boulder.errors import ConfigError, nearest
from boulder.schedule.functions import restore
from boulder.training.phase import TrainingPhase
from boulder.training.trial import PhaseTrial, TrialSize, try_phases
from jobs.commands.laid_out_config import pipelines_of, returnn_config
from jobs.commands.stages import Stages


def try_config(
    name: str,
    console: Console,
    size: TrialSize,
    *,
    phases: Sequence[str] = (),
    as_json: bool = False,
    verbose: bool,
    progress: Console | None = None,
) -> int:
    """
    :param name: a config of Sisyphus, e.g. `config/g2p.demo`, or a RETURNN config file
    :param phases: indices, or "final"; none: all
    :param as_json: print a list with a dict for each phase, see `PhaseTrial`
    :param verbose: print the log of the training
    :param progress: shows what is being done; default: on stderr
    :return: exit code, 1 if a phase failed
    :raises BoulderError: if the config gives no plan, or one that cannot be trained
    """
    code, results = 0, []
    for title, found, extern_data in _pipelines(name):
        chosen = _chosen(found, phases, title)
        if not as_json:
            console.print(
                f"[bold]{escape(title)}[/bold]: {len(chosen)} of {counted(len(found), 'phase')}, {_of(size)}",
                soft_wrap=True,
            )

        def say(line: str) -> None:
            if verbose:
                console.print(escape(line), highlight=False, soft_wrap=True)

        trials = []
        with Stages(progress or Console(stderr=True, highlight=False)) as stages:
            for trial in try_phases(chosen, extern_data, size, say, stages.begin):
                trials.append(trial)
                if trial.error and not as_json:
                    console.print(f"[red]phase {escape(trial.name)}: {escape(trial.error)}[/red]", soft_wrap=True)
        results.append({"name": title, "phases": [trial.to_json() for trial in trials]})
        if not as_json:
            console.print(_table(trials))
            console.print(_summary(trials, len(chosen)))
        code = max(code, int(any(trial.error for trial in trials)))
    if as_json:
        print(strict_json.dumps(results if len(results) > 1 else results[0], indent=1))
    return code


def _pipelines(name: str) -> Iterator[tuple[str, list[TrainingPhase], dict[str, Any]]]:
    """:return: name, phases and `extern_data` of each pipeline, or of a RETURNN config file"""
    found = returnn_config(name)
    if found:
        from boulder.returnn.trial_phases import phases_for_trial

        path, _ = found  # generated data takes the place of all other
        yield (str(path), *phases_for_trial(path))
        return
    for title, pipeline in pipelines_of(name).items():
        phases: dict[int, TrainingPhase] = {}
        for job in pipeline.jobs:
            for plain in job.phases:
                without_data = {key: value for key, value in plain.items() if key not in ("eval_datasets", "extended")}
                data = {key: _PLACEHOLDER for key in ("train", "dev") if plain.get(key)}
                restored: Any = restore(without_data | data, job.functions)
                phases.setdefault(plain["start"], TrainingPhase.from_json(restored))
        yield title, list(phases.values()), pipeline.jobs[0].extern_data


_PLACEHOLDER = {"class": "StaticDataset", "data": [{"data": [0]}]}


def _chosen(phases: Sequence[TrainingPhase], names: Sequence[str], title: str) -> list[TrainingPhase]:
    known = {"final" if phase.index is None else str(phase.index): phase for phase in phases}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{title}: --phases: found {name!r}, expected some of {', '.join(known)}{nearest(name, known)}"
            )
    return [phase for name, phase in known.items() if name in names] if names else list(phases)


def _of(size: TrialSize) -> str:
    return f"{size.steps} steps on {size.seqs} sequences of at most {size.frames} frames"


def _table(trials: Sequence[PhaseTrial]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("phase", "parameters", "build", "step", "memory", "loss", ""):
        table.add_column(column, justify="left" if column in ("phase", "loss", "") else "right")
    for trial in trials:
        first, last = (f"{trial.objective[i]:.4g}" if trial.objective else "" for i in (0, -1))
        table.add_row(
            trial.name,
            f"{trial.params:,}",
            f"{trial.build_seconds:.1f} s",
            f"{trial.step_seconds:.3g} s",
            f"{trial.memory / 1e9:.2f} GB",
            f"{first} → {last}",
            "failed" if trial.error else "falls" if trial.falls else "does not fall",
        )
    return table


def _summary(trials: Sequence[PhaseTrial], expected: int) -> str:
    failed = [trial for trial in trials if trial.error]
    if failed:
        return f"[red]phase {escape(failed[0].name)} failed; {len(trials) - 1} of {counted(expected, 'phase trains', 'phases train')}[/red]"
    falling = sum(trial.falls for trial in trials)
    return f"{counted(len(trials), 'phase trains, is', 'phases train, are')} saved and resumed; the loss falls in {falling} of them"
