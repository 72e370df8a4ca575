"""`StartingPoint`: the argument `start_from` of a pipeline."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from boulder.counted import counted
from boulder.errors import CheckpointError, ConfigError
from boulder.network import NetworkSpec
from boulder.schedule import Plan
from boulder.schedule.canonical import canonical
from boulder.training import TrainingPhase
from boulder.training.starting import Source, check_sources
from jobs.import_checkpoint import ImportCheckpointJob
from sisyphus import tk

StartFrom: TypeAlias = tk.Path | str | os.PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A checkpoint of Boulder or RETURNN; or the fields of `Source`, and `epoch`; or a list of them."""


@dataclass(frozen=True)
class StartingPoint:
    """
    :param sources: what parameters are taken from; none: the training starts from initial values
    :param epoch: training continues after this epoch; 0: it begins with the first one
    """

    sources: Sequence[Source] = ()
    epoch: int = 0

    @classmethod
    def of(cls, start_from: StartFrom | None) -> Self:
        """:raises BoulderError: for a wrong option, or a checkpoint that does not exist and that no job makes"""
        if start_from is None:
            return cls()
        if isinstance(start_from, list | tuple):
            entries = list(start_from)
        else:
            entries = [start_from if isinstance(start_from, Mapping) else {"checkpoint": start_from}]
        sources, epoch = [], 0
        for number, entry in enumerate(entries):
            where = "start_from" if len(entries) == 1 else f"start_from[{number}]"
            options = dict(entry) if isinstance(entry, Mapping) else entry
            if isinstance(options, dict) and "epoch" in options:
                epoch = _epoch(options.pop("epoch"), len(entries), where)
            source = Source.of(options, where)
            sources.append(
                replace(source, checkpoint=_path(source.checkpoint, where), keep_step=source.keep_step or epoch > 0)
            )
        return cls(sources, epoch)

    def check(self, plan: Plan, networks: Sequence[NetworkSpec]) -> None:
        """
        :param networks: of each phase of the plan
        :raises BoulderError: if nothing of the plan remains to be trained; if a parameter is missing in the checkpoints, or
            has another shape, as far as they exist already
        """
        if self.epoch >= plan.num_epochs:
            raise ConfigError(
                f"'epoch': found {self.epoch}, expected at most {plan.num_epochs - 1}, as the plan has "
                f"{counted(plan.num_epochs, 'epoch')}"
            )
        epochs = [phase.epochs for phase in plan.phases]
        self.check_network(next(net for net, own in zip(networks, epochs, strict=True) if self._begins_in(own)))

    def check_network(self, network: NetworkSpec) -> None:
        """
        :param network: whose parameters are taken from the sources
        :raises CheckpointError: if a parameter is missing in the checkpoints, or has another shape, as far as they exist already
        """
        if not self.sources:
            return
        # it takes long to import, and few trainings start from a checkpoint
        from boulder.returnn.checkpoint import peek

        files = [peek(source.checkpoint.get_path()) for source in self.sources if source.checkpoint.available()]
        found = [(source, file) for source, file in zip(self.sources, files, strict=False) if file is not None]
        if len(found) == len(self.sources):
            check_sources(found, network)

    def _begins_in(self, epochs: range) -> bool:
        """:return: whether the checkpoint has the network of these epochs"""
        return max(self.epoch, 1) in epochs

    def remaining(self, phases: Sequence[TrainingPhase]) -> list[TrainingPhase]:
        """:return: the phases, or parts of phases, after `epoch`"""
        return [
            phase.restricted_to(range(max(phase.first_epoch, self.epoch + 1), phase.last_epoch + 1))
            for phase in phases
            if phase.last_epoch > self.epoch
        ]

    def job(
        self, phases: Sequence[TrainingPhase], extern_data: Any, functions: dict[str, dict]
    ) -> ImportCheckpointJob | None:
        """
        :param phases: all phases of the plan
        :param extern_data: data streams
        :param functions: receives the functions in the network
        :return: the job that makes the checkpoint from which the first of the remaining phases starts; None if there are no sources
        """
        if not self.sources:
            return None
        phase = next(phase for phase in phases if self._begins_in(phase.epochs))
        network: Any = canonical(phase.network, functions)
        return ImportCheckpointJob(
            sources=[source.to_json() for source in self.sources],
            network=network,
            extern_data=extern_data,
            epoch=self.epoch,
            phase_start=phase.start,
            index=phase.index,
            random_seed=phase.options.random_seed,
            functions=functions,
        )


def _epoch(epoch: object, num_sources: int, where: str) -> int:
    if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
        raise ConfigError(f"{where}: 'epoch': found {epoch!r:.60}, expected a number of epochs, 0 or more")
    if epoch and num_sources > 1:
        raise ConfigError(
            f"{where}: 'epoch': found {epoch} beside further sources, expected one source with all parameters"
        )
    return epoch


def _path(checkpoint: object, where: str) -> tk.Path:
    """
    :return: the file that stands for the checkpoint
    :raises BoulderError: if it is no path, or does not exist and no job makes it
    """
    from boulder.returnn.checkpoint import main_file, prefix_of  # see check_network

    checkpoint = getattr(checkpoint, "index_path", checkpoint)  # `Checkpoint` of i6_core
    if isinstance(checkpoint, str | os.PathLike) and not isinstance(checkpoint, tk.Path):
        checkpoint = tk.Path(os.fspath(checkpoint))
    if not isinstance(checkpoint, tk.Path):
        raise ConfigError(f"{where}: 'checkpoint': found {checkpoint!r:.60}, expected a path")
    file = main_file(checkpoint.path)
    if file != checkpoint.path:
        extended = prefix_of(checkpoint.path) == checkpoint.path
        checkpoint = checkpoint.copy_append(".index") if extended else tk.Path(file, creator=checkpoint.creator)
    if checkpoint.creator is None and not checkpoint.available():
        raise CheckpointError(
            f"{where}: checkpoint {checkpoint.get_path()}: there is no such file, expected a checkpoint of Boulder, *.h5, or of RETURNN"
        )
    return checkpoint
