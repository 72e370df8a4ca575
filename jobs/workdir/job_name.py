"""How a job is called where people read it."""

from sisyphus import Job


def name_of(job: Job) -> str:
    """:return: the job's alias, or its class and hash"""
    return min(job.get_aliases() or [job.job_id()])
