"""Turns a construction algo into a `Plan` of `Phase`s: which network is trained in which epoch.

Planning does not load TensorFlow, because the manager runs on a login node. Import two modules by their own names:
`boulder.schedule.canonical` (plain JSON values for job hashes) and `boulder.schedule.functions` (functions inside net
dicts, which hash and travel by value).
"""

from boulder.schedule.adaptive import Outlook, plan_next
from boulder.schedule.difference import ABSENT, Changes, changes
from boulder.schedule.epoch_values import WrapEpochValue
from boulder.schedule.phases import COPY_PARAM_MODES, Phase, Plan
from boulder.schedule.planning import plan
from boulder.schedule.pretraining import pretrain_learning_rate, pretrain_options

__all__ = [
    "ABSENT",
    "COPY_PARAM_MODES",
    "Changes",
    "Outlook",
    "Phase",
    "Plan",
    "WrapEpochValue",
    "changes",
    "plan",
    "plan_next",
    "pretrain_learning_rate",
    "pretrain_options",
]
