"""`boulder status`: the state of each phase. Starts and changes nothing, and needs no manager."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape

from boulder import strict_json
from boulder.report.status import PhaseStatus, loss_table, shown_loss, status_table
from boulder.training.progress import done_of
from boulder.training.scores import read_scores
from boulder.training.time_left import seconds_left
from jobs.commands.clean import left_over_json, tell_left_over
from jobs.commands.opened_config import open_config
from jobs.commands.show_plan import tell_what_it_needs
from jobs.commands.watcher import tell_failure
from jobs.jobs_of_configs import needed_jobs
from jobs.laid_out import Pipeline
from jobs.phase_training import PhaseTrainingJob
from jobs.pieces import Piece, find_pipeline, pieces
from jobs.workdir.changed_data import changed_data
from jobs.workdir.earlier_version import earlier_version
from jobs.workdir.failures import why_failed
from jobs.workdir.job_name import name_of
from jobs.workdir.job_state import JobState, Judge
from jobs.workdir.manager_log import last_words
from jobs.workdir.sisyphus_names import folder_of
from jobs.workdir.stale import stale_jobs
from jobs.workdir.states import FAILED
from jobs.workdir.work_lock import manager_at_work
from sisyphus import Job, gs


def show_status(
    config: str, console: Console, *, pipeline: str | None = None, as_json: bool = False, losses: bool = False
) -> int:
    """
    :param config: e.g. `config/g2p.demo`
    :param pipeline: name; None for all pipelines of the config
    :param as_json: print everything that is known
    :param losses: print the scores of all losses
    :return: exit code, 1 if a job has failed
    :raises BoulderError: if the config cannot be laid out
    """
    opened = open_config(config, without_data=True)
    chosen = opened if pipeline is None else dict([find_pipeline(opened, pipeline)])
    jobs = needed_jobs()
    judge = Judge(jobs)
    look = Look({job.job_id(): judge.state(job) for job in jobs}, stale_jobs(jobs))
    trained = {job.job_id() for pipeline in opened.values() for job in pipeline.jobs}
    others = [job for job in jobs if job.job_id() not in trained]
    if as_json:
        print(strict_json.dumps(_as_json(chosen, others, look, judge.problems), indent=1))
    else:
        for title, laid_out in chosen.items():
            console.print(f"[bold]{escape(title)}[/bold]")
            rows = [_row(piece, look) for piece in pieces(laid_out)]
            console.print(status_table(rows, console.width, laid_out.losses))
            _tell_losses(rows, laid_out.losses, losses, console)
            for row in rows:
                for line in row.warnings:
                    console.print(f"[yellow]{escape(line)}[/yellow]", soft_wrap=True)
                if row.stale:
                    console.print(f"[yellow]{row.phase} is stale: {escape(row.stale)}[/yellow]", soft_wrap=True)
            _tell_earlier_versions(pieces(laid_out), console)
            for line in laid_out.missing:
                console.print(f"[yellow]{escape(line)}[/yellow]", soft_wrap=True)
            tell_what_it_needs(laid_out.needs, console)
        for line in changed_data(jobs):
            console.print(f"[yellow]{escape(line)}[/yellow]", soft_wrap=True)
        _tell_others(others, look, console)
        for job in jobs:
            if look.state(job) in FAILED:
                tell_failure(job, look.state(job), console)
        for job in jobs:
            if look.state(job) not in (gs.STATE_FINISHED, *FAILED) and (told := last_words(job)):
                console.print(f"[yellow]{escape(name_of(job))}: {escape(told)}[/yellow]", soft_wrap=True)
        for problem in judge.problems:
            console.print(f"[yellow]{escape(problem)}[/yellow]", soft_wrap=True)
        _tell_manager(config, look, console)
        tell_left_over(console)
    return int(any(state.name in FAILED for state in look.states.values()))


def _tell_earlier_versions(found: list[Piece], console: Console) -> None:
    """Print one line on the phases that are new since the config was edited."""
    edited = {piece.name: folder for piece in found if (folder := earlier_version(piece.job))}
    if edited:
        console.print(
            f"[yellow]{escape(', '.join(edited))}: not trained since the config was edited; what was trained before is in "
            f"{escape(next(iter(edited.values())))}{' and others' if len(edited) > 1 else ''}. A manager that was at work then "
            "still trains that.[/yellow]",
            soft_wrap=True,
        )


def _tell_losses(rows: list[PhaseStatus], losses: Collection[str], wanted: bool, console: Console) -> None:
    """Print the scores of all losses if they are wanted, else how to see those that the table lacks."""
    others = len({key.partition(":")[2] for key in losses}) - 1
    if wanted:
        console.print(loss_table(rows, losses))
    elif others > 0 and any(row.epoch for row in rows):
        shown = escape(repr(shown_loss(rows, losses)))
        console.print(f"[dim]scores of the loss of layer {shown}; --losses shows {others} more[/dim]", soft_wrap=True)


@dataclass(frozen=True)
class Look:
    """
    A snapshot of all jobs.

    :param states: job id → state
    :param stale: job id → why its results are stale
    """

    states: dict[str, JobState]
    stale: dict[str, str]

    def state(self, job: Job) -> str:
        return self.states[job.job_id()].name


def _row(piece: Piece, look: Look) -> PhaseStatus:
    state = look.states[piece.job.job_id()]
    job, records = piece.job, read_scores(piece.job.out_scores.get_path())
    own = [record for record in records if record["epoch"] in piece.epochs]
    name = _state_of_piece(piece, state.name, records[-1]["epoch"] if records else None)
    progress = job.progress() if name == gs.STATE_RUNNING else None
    last = own[-1] if own else {}
    return PhaseStatus(
        phase=piece.name,
        state=name,
        held=state.held,
        epochs_done=len(own),
        num_epochs=len(piece.epochs),
        epoch=last.get("epoch"),
        train=last.get("train", {}),
        dev=last.get("dev", {}),
        eval=last.get("eval", {}),
        scales=last.get("scales", {}),
        measure=last.get("measure"),
        warnings=last.get("warnings", []),
        progress=_batches(progress) if progress else None,
        seconds=sum(record.get("seconds", 0.0) for record in own),
        seconds_left=seconds_left(piece.epochs, records, progress) if name == gs.STATE_RUNNING else None,
        where=state.where if name not in (gs.STATE_WAITING, gs.STATE_RUNNABLE) else "",
        stopped=_stopped(piece) if name == gs.STATE_FINISHED else None,
        stale=look.stale.get(job.job_id()),
    )


def _stopped(piece: Piece) -> int | None:
    """:return: the epoch after which training stopped early, in this finished piece or before it"""
    records = read_scores(piece.job.out_scores.get_path())
    if records and "stopped" in records[-1] and records[-1]["epoch"] < piece.epochs[-1]:
        return records[-1]["epoch"]
    return None if records else _epoch_before(piece.job)


def _epoch_before(job: PhaseTrainingJob) -> int | None:
    """:return: last epoch of the jobs before one that trained none"""
    before = job.previous_checkpoint.creator if job.previous_checkpoint else None
    if not isinstance(before, PhaseTrainingJob):
        return None
    records = read_scores(before.out_scores.get_path())
    return records[-1]["epoch"] if records else _epoch_before(before)


def _batches(progress: dict) -> str:
    return f"{progress['what'].partition(' (')[0]}, batch {done_of(progress['done'], progress['total'])}"


def _state_of_piece(piece: Piece, state: str, last_epoch: int | None) -> str:
    """:return: the job's state for the phase that it is training; earlier phases are finished, later ones wait"""
    if len(piece.job.phases) == 1 or state in (gs.STATE_FINISHED, gs.STATE_WAITING):
        return state
    at = (last_epoch + 1) if last_epoch else piece.job.phases[0]["first_epoch"]
    if piece.epochs[-1] < at:
        return gs.STATE_FINISHED
    return state if at in piece.epochs else gs.STATE_WAITING


def _tell_others(others: list[Job], look: Look, console: Console) -> None:
    """Print one line: how many jobs are in which state, and the names of unfinished ones."""
    found = Counter(look.state(job) for job in others)
    if not found:
        return
    parts = []
    for state, count in found.items():
        names = [name_of(job) for job in others if look.state(job) == state]
        parts.append(f"{count} {state}" + ("" if state == gs.STATE_FINISHED else f" ({', '.join(names)})"))
    console.print(f"other jobs: {escape('; '.join(parts))}", soft_wrap=True)


def _tell_manager(config: str, look: Look, console: Console) -> None:
    manager = manager_at_work()
    if manager:
        console.print(f"manager: {escape(manager)}", soft_wrap=True)
    elif any(state.name != gs.STATE_FINISHED for state in look.states.values()):
        console.print(f"no manager is at work; to continue: boulder run {escape(shlex.quote(config))}", soft_wrap=True)


def _reason(job: Job, look: Look) -> str | None:
    """:return: why a job has failed; None if it has not"""
    state = look.state(job)
    return why_failed(job, state) if state in FAILED else None


def _as_json(chosen: dict[str, Pipeline], others: list[Job], look: Look, problems: list[str]) -> dict:
    return {
        "pipelines": [
            {
                "name": title,
                "needs": pipeline.needs,
                "missing_data": pipeline.missing,
                "changed_data": changed_data(pipeline.jobs),
                "phases": [
                    {
                        **asdict(_row(piece, look)),
                        "first_epoch": piece.epochs[0],
                        "last_epoch": piece.epochs[-1],
                        "index": piece.index,
                        "job": piece.job.job_id(),
                        "folder": folder_of(piece.job),
                        "reason": _reason(piece.job, look),
                        "before_edit": earlier_version(piece.job),
                    }
                    for piece in pieces(pipeline)
                ],
            }
            for title, pipeline in chosen.items()
        ],
        "other_jobs": [
            {
                "name": name_of(job),
                "job": job.job_id(),
                "state": look.state(job),
                "where": look.states[job.job_id()].where,
                "reason": _reason(job, look),
            }
            for job in others
        ],
        "manager": manager_at_work(),
        "problems": problems,
        "left_over": left_over_json(),
    }
