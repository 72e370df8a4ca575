"""Checks, before any job is submitted, that the network of each phase can grow into the next."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.errors import named
from boulder.network import NetworkSpec
from boulder.schedule import Plan
from boulder.schedule.labels import index_label
from boulder.training.growth.growing import plan_growth
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.report import GrowthReport


def planned_growth(plan: Plan, specs: Sequence[NetworkSpec | None]) -> list[GrowthReport | None]:
    """
    :param specs: the network of each phase of the plan; None where its parameters are unknown
    :return: for each phase, how its parameters arise from those of the previous phase; None where one of the two networks is
        unknown. All parameters of the first phase are initialised.
    :raises BoulderError: if the parameters of a phase cannot grow into those of the next; names the phase
    """
    reports: list[GrowthReport | None] = []
    before: NetworkSpec | None = NetworkSpec({})
    for number, (phase, spec) in enumerate(zip(plan.phases, specs, strict=True)):
        report = None
        if before and spec:
            options = GrowthOptions.of(phase, spec, seed=0, old_network=before)
            with named(f"phase {number} ({index_label(phase.index)})"):
                report = plan_growth(before.params, spec.params, phase.copy_param_mode, options)
        reports.append(report)
        before = spec
    return reports
