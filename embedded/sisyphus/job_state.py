"""The state of a job. It depends only on marker files and inputs, so any manager can continue the work of another."""

import contextlib
import os

import sisyphus.global_settings as gs
from sisyphus.job_directory import job_finished
from sisyphus.states import NOT_HELD_BACK


class JobState:
    """Mixin of Job: its state."""

    def _sis_tasks(self) -> list:
        """Returns the tasks. They are created once, since they cache their states and histories."""
        if not hasattr(self, "_sis_task_cache"):
            if not self._sis_runnable():
                raise RuntimeError(f"{self} lacks inputs: its tasks are known only once these exist")
            tasks = list(self.tasks())
            if not tasks:
                raise ValueError(f"{self} has no tasks: let tasks() yield at least one")
            for task in tasks:
                task.set_job(self)
                rqmt, replace = self._sis_task_rqmt_overwrite.get(task.name(), ({}, False))
                task._rqmt = dict(rqmt) if replace else {**task._rqmt, **rqmt}
            self._sis_task_cache = tasks
        return self._sis_task_cache

    def _sis_next_task(self):
        return next((task for task in self._sis_tasks() if not task.finished()), None)

    def _sis_finished(self) -> bool:
        if self._sis_is_finished:
            return True
        if job_finished(self._sis_path()):
            self._sis_is_finished = True
        elif self._sis_setup() and self._sis_runnable() and all(task.finished() for task in self._sis_tasks()):
            self._sis_is_finished = True
            with (
                contextlib.suppress(PermissionError),
                open(self._sis_path(gs.JOB_FINISHED_MARKER), "w", encoding="utf-8"),
            ):
                pass
            gs.on_job_finished(self)
        return self._sis_is_finished

    def update(self):
        """Called once all inputs exist. May request more with add_input()."""

    def _sis_runnable(self) -> bool:
        """Whether all inputs exist, including those that update() requests."""
        while self._sis_inputs_available():
            if type(self).update is JobState.update:
                return True
            before = set(self._sis_inputs)
            self.update()
            if self._sis_inputs == before:
                return True
        return False

    def _sis_inputs_available(self) -> bool:
        return all(path.available(debug_info=self) for path in list(self._sis_inputs))

    def _sis_is_set_to_hold(self) -> bool:
        return self._sis_hold_job or os.path.exists(self._sis_path(gs.STATE_HOLD))

    def _sis_state(self, engine) -> str:
        """Returns the state that the manager shows and acts on. Once the job is set up, it is that of the first unfinished task."""
        if self._sis_finished():
            return gs.STATE_FINISHED
        if not self._sis_runnable():
            return gs.STATE_WAITING
        held = self._sis_is_set_to_hold()
        if not self._sis_setup():
            return gs.STATE_HOLD if held else gs.STATE_RUNNABLE
        task = self._sis_next_task()
        state = gs.STATE_FINISHED if task is None else task.state(engine)
        # a try that was already submitted continues
        return gs.STATE_HOLD if held and state not in NOT_HELD_BACK else state

    def _sis_print_error(self, tasks=1, lines=0):
        for task in [task for task in self._sis_tasks() if task.error()][:tasks]:
            task.print_error(lines)
