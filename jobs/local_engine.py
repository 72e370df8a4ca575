"""`local_engine`: runs jobs on this machine, and refuses those that request more than it has."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from jobs.workdir.work_lock import which_sisyphus
from sisyphus import engine, gs
from sisyphus.localengine import LocalEngine


def local_engine(cpus: int, gpus: int = 0) -> LocalEngine:
    """
    :return: an engine of Sisyphus. Upstream's alone would let a job that requests too much wait forever
    """
    devices = ",".join(map(str, range(gpus)))
    refuses = which_sisyphus() == "embedded"
    return (LocalEngine if refuses else RefusingEngine)(cpus=cpus, gpus=gpus, available_gpus=devices)


class RefusingEngine(LocalEngine):
    """Upstream's engine. A task that it refuses has the state `queue_error`, and a line in the log that says why."""

    def __init__(self, **limits: Any) -> None:
        super().__init__(**limits)
        self._refused: set[tuple[str, int]] = set()

    def submit_call(
        self, call: list[str], logpath: str, rqmt: dict[str, Any], name: str, task_name: str, task_ids: Sequence[int]
    ) -> Any:
        most = {**self.max_resources, "multi_node_slots": 1}
        too_much = [f"{key}={rqmt[key]} of {there}" for key, there in most.items() if (rqmt.get(key) or 0) > there]
        if not too_much:
            return super().submit_call(call, logpath, rqmt, name, task_name, task_ids)
        self._refused.update((name, task_id) for task_id in task_ids)
        logging.error(
            f"{name} requests more than this machine has ({', '.join(too_much)}): lower its rqmt, or give LocalEngine more in "
            "settings.py"
        )
        if hasattr(engine, "DeferSubmission"):
            raise engine.DeferSubmission("refused")  # which is no try
        return "local", "refused"  # older versions of upstream count it as one

    def task_state(self, task: Any, task_id: int) -> str:
        refused = (task.task_name(), task_id) in self._refused
        return gs.STATE_QUEUE_ERROR if refused else super().task_state(task, task_id)
