"""Growth: the parameters of one phase's network become those of the next. NumPy only.

`COPY_PARAM_MODES` lists the modes. Old and new parameters match by layer and by the name within it; `init_from` maps
layers that were renamed.
"""

from boulder.schedule import COPY_PARAM_MODES
from boulder.training.growth.averages import grow_averages
from boulder.training.growth.begin import begin_phase
from boulder.training.growth.growing import grow, plan_growth
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.modes import check_carry_optimizer, check_mode
from boulder.training.growth.planning import planned_growth
from boulder.training.growth.report import GrowthReport
from boulder.training.growth.returnn_subset import guess_old_splits, subset
from boulder.training.growth.slots import carry_iterations, carry_slots

__all__ = [
    "COPY_PARAM_MODES", "GrowthOptions", "GrowthReport", "begin_phase", "carry_iterations", "carry_slots",
    "check_carry_optimizer", "check_mode", "grow", "grow_averages", "guess_old_splits", "plan_growth", "planned_growth",
    "subset",
]  # fmt: skip
