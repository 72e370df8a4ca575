"""What is checked of the whole graph before the first job: by `boulder run`, `boulder plan` and `sis manager` alike."""

from __future__ import annotations

import sys
from typing import Any

from boulder.errors import BoulderError
from jobs.rqmt import check_rqmt_of_jobs
from jobs.workdir.job_graph import with_inputs
from jobs.workdir.places import check_places
from jobs.workdir.work_lock import is_sis_manager
from sisyphus import toolkit


def check_before_jobs() -> None:
    """
    :raises ConfigError: for outputs or aliases that could not be linked, and for wrong requirements of any job
    """
    targets = list(toolkit.sis_graph.targets)
    jobs = with_inputs(path.creator for target in targets for path in target.required_full_list if path.creator)
    check_places(targets, jobs)
    check_rqmt_of_jobs(jobs)


def check_if_sis_manager() -> None:
    """Let `sis manager` check, too, at the one moment between its configs and its jobs: when it makes its engine."""
    make_engine = toolkit.cached_engine
    if not is_sis_manager() or getattr(make_engine, "checks_before", False):
        return

    def checked(*arguments: Any, **keywords: Any) -> Any:
        toolkit.cached_engine = make_engine
        try:
            check_before_jobs()
        except BoulderError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)  # upstream prints no reason of SystemExit
            sys.exit(1)
        return make_engine(*arguments, **keywords)

    checked.checks_before = True  # type: ignore[attr-defined]
    toolkit.cached_engine = checked
