"""`boulder status` without a config: the pipelines that a work directory knows, by the aliases of their jobs."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from boulder import strict_json
from boulder.training.scores import read_scores
from jobs.commands.clean import tell_left_over
from jobs.workdir.sisyphus_names import folder_is_finished
from sisyphus import gs

_PHASE = "phase."


@dataclass(frozen=True)
class KnownPipeline:
    """
    :param name: of the pipeline
    :param jobs: number of its training jobs, of all edits of its config
    :param finished: how many of them have finished
    :param failed: aliases of those with an error
    :param epoch: the last one that is trained; 0 for none
    :param changed: when, in seconds since 1970
    """

    name: str
    jobs: int
    finished: int
    failed: list[str]
    epoch: int
    changed: float


def show_pipelines(console: Console, *, as_json: bool = False) -> int:
    """
    :return: exit code, 1 if a job has failed
    """
    found = known_pipelines()
    if as_json:
        print(strict_json.dumps([asdict(pipeline) for pipeline in found], indent=1))
    elif not found:
        console.print(f"{gs.ALIAS_DIR}/ has no pipeline yet; boulder run CONFIG begins one", soft_wrap=True)
    else:
        for pipeline in found:
            failed = f", failed: {', '.join(pipeline.failed)}" if pipeline.failed else ""
            trained = f"trained to epoch {pipeline.epoch}" if pipeline.epoch else "no epoch is trained"
            text = f"{pipeline.name}: {pipeline.finished} of {pipeline.jobs} job{'' if pipeline.jobs == 1 else 's'} finished, {trained}{failed}"
            console.print(escape(text), soft_wrap=True)
        console.print("boulder status CONFIG shows the phases of a config", soft_wrap=True)
        tell_left_over(console)
    return int(any(pipeline.failed for pipeline in found))


def known_pipelines() -> list[KnownPipeline]:
    """:return: sorted by the time of their last change, the newest first"""
    folders: dict[str, list[Path]] = {}
    for folder, names, files in os.walk(gs.ALIAS_DIR):
        jobs = [Path(folder, name) for name in [*names, *files] if name.startswith(_PHASE)]
        jobs = [job for job in jobs if job.is_dir() or job.is_symlink()]  # a job that has not begun has no directory
        names[:] = [name for name in names if not os.path.islink(os.path.join(folder, name))]
        if jobs:
            folders[os.path.relpath(folder, gs.ALIAS_DIR)] = sorted(jobs)
    found = [_pipeline(name, jobs) for name, jobs in folders.items()]
    return sorted(found, key=lambda pipeline: (-pipeline.changed, pipeline.name))


def _pipeline(name: str, jobs: list[Path]) -> KnownPipeline:
    scores = [records[-1] for job in jobs if (records := read_scores(str(job / "output/scores.jsonl")))]
    done = [job for job in jobs if folder_is_finished(str(job))]
    failed = [job.name for job in jobs if job not in done and any(job.glob("error.*"))]
    epoch = max((record["epoch"] for record in scores), default=0)
    return KnownPipeline(
        name, len(jobs), len(done), failed, epoch, max(job.stat(follow_symlinks=job.exists()).st_mtime for job in jobs)
    )
