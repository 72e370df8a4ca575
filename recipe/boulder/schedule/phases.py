"""`Plan` and its `Phase`s. Phases share equal parts of their networks: never change a network in place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from boulder.errors import ScheduleError
from boulder.schedule.labels import phase_name

COPY_PARAM_MODES = {
    "ifpossible": "copies parameters whose shape is unchanged, initialises the others; None means the same (RETURNN)",
    "subset": "also copies old values into a part of parameters whose shape changed; the old parts are guessed from the new (RETURNN)",
    "reset": "copies nothing (RETURNN)",
    "subset_by_source": "as subset, but rows follow their source layer and columns their gate, by name",
    "net2wider": "widens layers and preserves their function: units are replicated (Chen et al. 2016)",
    "deepen": "as net2wider, and new layers in between start as the identity (Chen et al. 2016)",
    "lemon": "as deepen, and new numbered layers copy a trained one, apart from the ends of new branches (LEMON, Wang et al. 2024)",
    "bert2bert": "as net2wider, but replicas take the weights of the layer with the next number (AKI, Chen et al. 2022)",
    "stack": "as subset_by_source, and new numbered layers copy a trained one of their shape (G_stack, Du et al. 2024)",
}
"""How parameters carry over from the previous phase: copy_param_mode → description."""

CARRY_OPTIMIZER = {
    "reset": "the optimizer starts anew with each phase",
    "grow": "slots grow with their parameters; new entries have the optimizer's initial value",
    "keep": "slots of parameters that were copied unchanged are carried over, others start anew",
}
"""How the optimizer's slots carry over from the previous phase: carry_optimizer → description."""


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs with one network and one set of overrides."""

    index: int | None
    """Argument `idx` of the algo; `None` for the original network at the end. Consecutive indices with equal networks
    and overrides form one phase, and this is the first of them."""
    epochs: range
    """Counted from 1."""
    network: dict[str, dict]
    """The net dict, without `#` keys at its top level."""
    config: dict[str, object]
    """The overrides of `#config`."""
    copy_param_mode: str | None
    """How parameters are carried over from the phase before (`COPY_PARAM_MODES`, or `None`)."""
    is_pretrain: bool
    """Whether the first epoch counts as pretraining. The phase of the original network begins in pretraining and
    continues after it, since nothing changes in between; `Plan.num_pretrain_epochs` is the last epoch of pretraining."""
    indices: tuple[int | None, ...] = ()
    """All indices of this phase; the first one is `index`."""
    part: int = 1
    """Number of this phase among those of its index, from 1. A `WrapEpochValue` can give an index several networks."""
    reset_layers: tuple[str, ...] = ()
    """Layers that copy no parameter from the phase before: the output layers if `copy_output_layer` is False or "reset".
    Empty in the first phase and where `copy_param_mode` is "reset" anyway."""
    trainable_layers: tuple[str, ...] | None = None
    """The trained layers, by their names at the top level of the network, subject to their own `trainable`; None: all
    layers. Empty if `#trainable` is False, which also disables dropout."""
    init_from: dict[str, str] = field(default_factory=dict)
    """New layer → layer of the phase before whose parameters it copies (`#init_from`)."""
    carry_optimizer: str = "reset"
    """How the optimizer's slots are carried over (`CARRY_OPTIMIZER`)."""
    growth_noise: float = 0.0
    """How unequally replicas in "net2wider" share their weights (`#growth_noise`)."""

    @property
    def name(self) -> str:
        """Name in aliases and tables: `00`, `01`, …, or `final` for the original network; `00.2` for the second phase of
        an index."""
        name = phase_name(self.index)
        return name if self.part == 1 else f"{name}.{self.part}"


@dataclass(frozen=True)
class Plan:
    """Which network is trained in which epoch. The phases cover the epochs from 1 on without gaps."""

    phases: tuple[Phase, ...]
    num_pretrain_epochs: int
    """Number of pretraining epochs, the original network's own repetitions included. It follows from the pretrain
    options, and exceeds `num_epochs` if that cuts pretraining short."""
    has_plural: bool = False
    """Whether a net dict has `#repetitions`, which RETURNN ignores: it reads `#repetition`."""

    @property
    def num_epochs(self) -> int:
        """The last epoch of the last phase."""
        return self.phases[-1].epochs[-1]

    def longer(self, epochs: int) -> Plan:
        """:return: the plan with this many more epochs in its last phase"""
        *before, last = self.phases
        stretched = replace(last, epochs=range(last.epochs.start, last.epochs.stop + epochs))
        return replace(self, phases=(*before, stretched))

    def phase(self, epoch: int) -> Phase:
        """
        :param epoch: counted from 1
        :raises ScheduleError: if the plan has no such epoch
        """
        for phase in self.phases:
            if epoch in phase.epochs:
                return phase
        raise ScheduleError(f"epoch {epoch} is not planned: the plan has the epochs 1 to {self.num_epochs}")
