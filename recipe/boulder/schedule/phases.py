"""What a plan consists of. Networks are shared between phases as far as they are equal: read them, never change them."""

from dataclasses import dataclass, field, replace

from boulder.errors import ScheduleError
from boulder.schedule.labels import phase_name

COPY_PARAM_MODES = {
    "ifpossible": "copies what has kept its shape, initialises the rest; also what None means (RETURNN)",
    "subset": "old values also fill a part of what has another shape; the old parts are guessed from the new (RETURNN)",
    "reset": "copies nothing (RETURNN)",
    "subset_by_source": "as subset, but rows follow their source layer and columns their gate, by name",
    "net2wider": "layers get wider and compute what they did: units are replicated (Chen et al. 2016)",
    "deepen": "as net2wider, and new layers in between start as the identity (Chen et al. 2016)",
    "stack": "as subset_by_source, and new numbered layers copy a trained one of their shape (G_stack, Du et al. 2024)",
}
"""How parameters are carried over from the phase before: copy_param_mode → what it does."""

CARRY_OPTIMIZER = {
    "reset": "the optimizer starts anew with each phase",
    "grow": "slots grow with their parameters; new entries have the optimizer's initial value",
    "keep": "slots of parameters that were copied unchanged are carried over, others start anew",
}
"""How the optimizer's slots are carried over from the phase before: carry_optimizer → what it does."""


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs with one network and one set of overrides."""

    index: int | None
    """The index the algo was called with; `None` is the original network at the end. Where consecutive indices give
    equal networks and overrides, they are one phase and this is the first of them."""
    epochs: range
    """Counted from 1."""
    network: dict[str, dict]
    """The net dict, without `#` keys at its top level."""
    config: dict[str, object]
    """The overrides that `#config` asks for."""
    copy_param_mode: str | None
    """How the parameters of the phase before are taken over (`COPY_PARAM_MODES`, or `None`)."""
    is_pretrain: bool
    """True if its first epoch counts as pretraining. The original network's phase begins in pretraining and goes on
    after it, as nothing changes in between; `Plan.num_pretrain_epochs` says where the border lies."""
    indices: tuple[int | None, ...] = ()
    """All indices that this phase stands for, the first of them being `index`."""
    part: int = 1
    """An index may have several phases, where a `WrapEpochValue` makes several networks of it: which of them this is."""
    reset_layers: tuple[str, ...] = ()
    """Layers that take no parameter from the phase before: the output layers, where `copy_output_layer` is False or
    "reset". Empty where `copy_param_mode` says "reset" anyway, and in the first phase."""
    trainable_layers: tuple[str, ...] | None = None
    """The layers of the network's top level that are trained, as far as their own `trainable` lets them, with all that
    is inside them; None: all of them. Empty where `#trainable` is False: then nothing is, not even dropout drawn."""
    init_from: dict[str, str] = field(default_factory=dict)
    """New layer → layer of the phase before that its parameters come from (`#init_from`)."""
    carry_optimizer: str = "reset"
    """What becomes of the optimizer's slots where the phase begins (`#carry_optimizer`)."""
    growth_noise: float = 0.0
    """How unequal the shares are that replicas get in "net2wider" (`#growth_noise`)."""

    @property
    def name(self) -> str:
        """`00`, `01`, …, or `final` for the original network: for aliases and tables. The second phase of an index is
        `00.2`."""
        name = phase_name(self.index)
        return name if self.part == 1 else f"{name}.{self.part}"


@dataclass(frozen=True)
class Plan:
    """Which network is trained in which epoch. The phases follow each other without a gap, from epoch 1 on."""

    phases: tuple[Phase, ...]
    num_pretrain_epochs: int
    """How many epochs count as pretraining, the original network's own repetitions included. Says what the pretrain
    options ask for, so it may be more than `num_epochs`, where that cuts pretraining short."""

    @property
    def num_epochs(self) -> int:
        """The last epoch of the last phase."""
        return self.phases[-1].epochs[-1]

    def longer(self, epochs: int) -> "Plan":
        """:return: the plan whose last phase has so many epochs more"""
        *before, last = self.phases
        stretched = replace(last, epochs=range(last.epochs.start, last.epochs.stop + epochs))
        return replace(self, phases=(*before, stretched))

    def phase(self, epoch: int) -> Phase:
        """
        :param epoch: counted from 1
        :return: the phase that this epoch belongs to
        :raises ScheduleError: if the plan has no such epoch
        """
        for phase in self.phases:
            if epoch in phase.epochs:
                return phase
        raise ScheduleError(f"epoch {epoch} is not planned: the plan has the epochs 1 to {self.num_epochs}")
