"""The manager's listing: one line per job that does more than wait; errors last, with the end of their logs."""

import logging
import os
import sys

import sisyphus.global_settings as gs
from sisyphus.states import FAILED, LISTING_ORDER

LEVELS = {
    **dict.fromkeys(FAILED, logging.ERROR),
    **dict.fromkeys((gs.STATE_INTERRUPTED_RESUMABLE, gs.STATE_UNKNOWN), logging.WARNING),
    **dict.fromkeys((gs.STATE_QUEUE, gs.STATE_RUNNING, gs.STATE_RUNNABLE, gs.STATE_HOLD), logging.INFO),
}


class StatusPrinter:
    def __init__(self):
        self._shown_errors = set()  # the end of a log is printed once per failure, not at every change of any job

    def overview(self, jobs) -> list:
        return sorted(f"{state}({len(found)})" for state, found in jobs.items() if state != gs.STATE_INPUT_PATH)

    def show(self, jobs, verbose=False):
        logging.info(f"Experiment directory: {os.getcwd()}      Call: {' '.join(sys.argv)}")
        states = sorted(jobs, key=LISTING_ORDER.index)
        in_order = [(name, job) for name in states for job in sorted(jobs[name], key=str)]
        for state, job in in_order:
            text = f"{state}: {job}"
            if getattr(job, "get_vis_name", lambda: None)():
                text += f" [{job.get_vis_name()}]"
            if state == gs.STATE_RUNNING:
                text += self._progress(job)
            level = LEVELS.get(state, logging.DEBUG)
            logging.log(max(level, logging.INFO) if verbose else level, text)
            if state == gs.STATE_ERROR and gs.PRINT_ERROR:
                self._show_error(job)
        counts = self.overview(jobs)
        if counts:
            logging.info(" ".join(counts))

    @staticmethod
    def _progress(job):
        try:
            info = job.info()
        except Exception as error:  # an error in info() must not stop the manager
            info = f"info() failed: {error!r}"
        return "" if info is None else f" {{{info}}}"

    def _show_error(self, job):
        markers = [task.path(gs.STATE_ERROR, i) for task in job._sis_tasks() for i in task.task_ids()]
        failure = tuple((marker, os.path.getmtime(marker)) for marker in markers if os.path.exists(marker))
        if failure not in self._shown_errors:
            self._shown_errors.add(failure)
            job._sis_print_error(gs.PRINT_ERROR_TASKS, gs.PRINT_ERROR_LINES)
