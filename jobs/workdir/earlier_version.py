"""Jobs that a pipeline had before its config was edited: their aliases still lead to them."""

from __future__ import annotations

import os

from jobs.workdir.places import leads_to_a_job, places_of_aliases
from jobs.workdir.sisyphus_names import folder_of
from sisyphus import Job


def earlier_version(job: Job) -> str | None:
    """:return: the folder of another job that has this job's alias, while this job has no folder; None if there is none"""
    if os.path.lexists(folder_of(job)):
        return None
    found = (place for place in places_of_aliases(job) if leads_to_a_job(place) and os.path.isdir(place))
    return next((os.path.relpath(os.path.realpath(place)) for place in found), None)
