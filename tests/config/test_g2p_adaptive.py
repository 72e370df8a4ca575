"""config/g2p_adaptive.py: depth as a function of the scores."""

import pytest

from boulder.schedule import plan_next
from config.g2p import network
from config.g2p_adaptive import MAX_LAYERS, construction_algo

PRETRAIN = {"construction_algo": construction_algo, "repetitions": {"default": 2, "final": 0}}


@pytest.mark.parametrize(
    ("costs", "layers"),
    [
        ([0.87, 0.52, 0.48, 0.42, 0.41, 0.375, 0.39, 0.362], 4),  # measured
        ([0.87, 0.52, 0.6, 0.5], 2),
        ([1.0 * 0.8**epoch for epoch in range(10)], MAX_LAYERS),
    ],
)
def test_growth_stops_without_improvement_and_the_last_network_is_trained_further(costs, layers):
    history = [{"epoch": epoch, "dev": {"cost:output": cost}} for epoch, cost in enumerate(costs, 1)]
    full = network(MAX_LAYERS, 80, 0.1)
    for epochs in range(0, len(costs), 2):
        assert plan_next(full, PRETRAIN, history[:epochs], 12).needs == epochs + 2
    outlook = plan_next(full, PRETRAIN, history, 12)
    assert outlook.needs is None
    assert [phase.network for phase in outlook.plan.phases] == [network(n, 80, 0.1) for n in range(1, layers + 1)]
    assert outlook.plan.phases[-1].epochs == range(2 * layers - 1, 13)
