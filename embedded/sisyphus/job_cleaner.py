"""Packs the directories of finished jobs, in a thread beside the manager."""

import os
import threading
import time

import sisyphus.global_settings as gs


class JobCleaner(threading.Thread):
    def __init__(self, sis_graph):
        super().__init__(daemon=True, name="cleaner")
        self.sis_graph = sis_graph
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            for job in self.sis_graph.jobs(update_graph=False):
                if self.stopped.is_set():
                    return
                # only jobs that the manager found finished, and only after their workers must have ended
                marker = job._sis_path(gs.JOB_FINISHED_MARKER)
                known = job._sis_is_finished and os.path.exists(marker)
                if (
                    known
                    and time.time() - os.path.getmtime(marker) >= gs.WAIT_PERIOD_JOB_CLEANUP
                    and job._sis_cleanable()
                ):
                    job._sis_cleanup()
            self.stopped.wait(gs.JOB_CLEANER_INTERVAL)

    def close(self):
        self.stopped.set()
        if self.is_alive():
            self.join()
