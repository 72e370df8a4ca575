"""Growth: the parameters of one phase's network become those of the next. NumPy only.

`MODES` says which ways there are. Old and new parameters belong together if they have the same layer and the same name
within it; `init_from` says where the layer has another name.
"""

from boulder.schedule import COPY_PARAM_MODES
from boulder.training.growth.begin import begin_phase
from boulder.training.growth.growing import grow, plan_growth
from boulder.training.growth.modes import CARRY_OPTIMIZER, MODES, check_carry_optimizer, check_mode
from boulder.training.growth.options import GrowthOptions
from boulder.training.growth.planning import planned_growth
from boulder.training.growth.report import GrowthReport
from boulder.training.growth.returnn_subset import guess_old_splits, subset
from boulder.training.growth.slots import carry_iterations, carry_slots

__all__ = [
    "CARRY_OPTIMIZER", "COPY_PARAM_MODES", "MODES", "GrowthOptions", "GrowthReport", "begin_phase", "carry_iterations", "carry_slots",
    "check_carry_optimizer", "check_mode", "grow", "guess_old_splits", "plan_growth", "planned_growth", "subset",
]  # fmt: skip
