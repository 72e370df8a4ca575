"""Symbolic links: alias/NAME to a job's directory, output/NAME to an output."""

import os

import sisyphus.global_settings as gs


def create_aliases(jobs):
    for job in jobs:
        for prefix in job._sis_alias_prefixes:
            for alias in job.get_aliases() or ():
                link = os.path.join(gs.ALIAS_DIR, prefix, alias)
                place_link(os.path.realpath(job._sis_path()), link)


def place_link(target, link) -> bool:
    """Creates or corrects a link. Returns False if it was correct."""
    if os.path.islink(link):
        if os.path.realpath(link) == os.path.realpath(target):
            return False
        os.unlink(link)
    os.makedirs(os.path.dirname(link) or ".", exist_ok=True)
    os.symlink(target, link)
    return True
