"""`PassiveTarget`: what a manager does in each of its rounds, beside its outputs."""

from __future__ import annotations

from abc import abstractmethod

from sisyphus import toolkit
from sisyphus.graph import OutputTarget


class PassiveTarget(OutputTarget):
    """
    A target that requires nothing, so that no job runs because of it. Both Sisyphuses update a target in each round, and a last
    time when nothing is left to do.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, [])
        self._is_begun = False

    def update_requirements(self, write_output: bool = True, force: bool = False) -> None:
        """
        Called by the manager.

        :param write_output: False: the manager only looks
        :param force: whether this may be the last time
        """
        self._is_begun = True
        if write_output:
            self.update(force)

    @abstractmethod
    def update(self, force: bool) -> None:
        """:param force: do it now, and wait until it is done"""

    def is_done(self) -> bool:
        """Whether the manager has nothing else to wait for. Never before the first round: it would not be called at all."""
        if not self._is_begun:
            return False
        others = (target for target in list(toolkit.sis_graph.active_targets) if not isinstance(target, PassiveTarget))
        return all(path.available() for target in others for path in target.required)
