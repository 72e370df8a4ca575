"""Symbolic links: alias/NAME to a job's directory, output/NAME to an output."""

import logging
import os

import sisyphus.global_settings as gs


def create_aliases(jobs):
    for job in jobs:
        for prefix in job._sis_alias_prefixes:
            for alias in job.get_aliases() or ():
                link = os.path.join(gs.ALIAS_DIR, prefix, alias)
                try:
                    place_link(os.path.realpath(job._sis_path()), link)
                except OSError as error:
                    logging.warning(f"could not link alias {link} of {job._sis_id()}: {error.strerror}")


def place_link(target, link) -> bool:
    """Creates or corrects a link. Returns False if it was correct."""
    make_way(link)
    if os.path.islink(link):
        if os.path.realpath(link) == os.path.realpath(target):
            return False
        os.unlink(link)
    os.makedirs(os.path.dirname(link) or ".", exist_ok=True)
    os.symlink(target, link)
    return True


def make_way(path):
    """Removes links to jobs among the folders above `path`: what is written there would be in a job's directory."""
    above = os.path.dirname(path)
    while above and above not in (gs.OUTPUT_DIR, gs.ALIAS_DIR, os.path.dirname(above)):
        if os.path.islink(above) and os.path.realpath(above).startswith(f"{os.path.realpath(gs.WORK_DIR)}{os.sep}"):
            logging.warning(
                f"removed the link {above} of an earlier config, in whose place is a folder now, for {path}"
            )
            os.unlink(above)
        above = os.path.dirname(above)
