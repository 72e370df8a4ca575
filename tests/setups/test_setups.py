"""Setups in the style of the field: each phase trains on generated data as `boulder try` does it, and has RETURNN's numbers.

A setup is a folder NAME with NAME.config, a RETURNN config. It draws random numbers only if `config.bool("random", True)`: the
comparison with RETURNN sets it to False.
"""

from pathlib import Path

import numpy as np
import pytest

from boulder.network import describe
from boulder.returnn.trial_phases import phases_for_trial
from boulder.training.trial import TrialSize, try_phases
from boulder.training.trial_data import trial_data
from tests.parity.comparing import compare, random_params

HERE = Path(__file__).parent
CONFIGS = {path.stem: path for path in sorted(HERE.glob("*/*.config")) if path.stem == path.parent.name}
WITHOUT_RETURNN: dict[str, str] = {}
"""setup → why RETURNN does not build it"""


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_every_phase_trains_is_grown_saved_and_resumed(name):
    phases, extern_data = phases_for_trial(CONFIGS[name])
    assert len(phases) > 1
    found = list(try_phases(phases, extern_data, TrialSize(frames=30), print))
    assert [trial.error for trial in found] == [None] * len(phases)
    assert [trial.name for trial in found if not trial.falls] == []


@pytest.fixture(scope="module")
def cases() -> dict:
    """:return: setup → a case for each phase"""
    return {name: cases_of(path) for name, path in CONFIGS.items() if name not in WITHOUT_RETURNN}


def cases_of(path: Path) -> list[dict]:
    phases, extern_data = phases_for_trial(path, {"random": False})
    found = []
    for phase in phases:
        spec = describe(phase.network, extern_data)
        data, lengths = batch_of(trial_data(spec, extern_data, seqs=1, frames=25)["data"])  # RETURNN's padding leaks
        found.append(
            {
                "kind": "network",
                "net": phase.network,
                "extern_data": extern_data,
                "config_file": str(path),
                "epoch": phase.first_epoch,
                "params": random_params(spec, scale=0.3),
                "data": data,
                "lengths": lengths,
                "layers": (),
            }
        )
    return found


def batch_of(sequences: list[dict]) -> tuple[dict, dict]:
    """:return: key → [1, T, …]; key → int32 [1]"""
    (sequence,) = sequences
    arrays = {key: np.asarray(values) for key, values in sequence.items()}
    data = {key: array[None].astype("int32" if array.dtype.kind == "i" else "float32") for key, array in arrays.items()}
    return data, {key: np.array([len(array)], "int32") for key, array in arrays.items() if array.ndim}


@pytest.fixture(scope="module")
def expected(cases, returnn) -> dict:
    """:return: setup → RETURNN's results"""
    of_config = ("net", "extern_data")
    every = [
        {key: value for key, value in case.items() if key not in of_config} for own in cases.values() for case in own
    ]
    results = iter(returnn(every))
    return {name: [next(results) for _ in own] for name, own in cases.items()}


@pytest.mark.slow
@pytest.mark.parity
@pytest.mark.parametrize("name", CONFIGS.keys() - WITHOUT_RETURNN.keys())
def test_each_phase_has_returnns_parameters_losses_and_gradients(name, cases, expected):
    for case, result in zip(cases[name], expected[name], strict=True):
        compare(case, result, rtol=1e-4, train=True)  # nothing is drawn
