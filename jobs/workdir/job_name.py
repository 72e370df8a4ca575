"""The name of a job in messages."""

from sisyphus import Job


def name_of(job: Job) -> str:
    """:return: the job's alias, or its id (class and hash) if it has none"""
    return min(job.get_aliases() or [job.job_id()])
