"""Automata that a trial generates."""

import numpy
import pytest

from boulder.data.automata import problem_of_automaton
from boulder.network import describe
from boulder.training.trial_automata import automata_streams, automaton
from boulder.training.trial_data import trial_data

EXTERN_DATA = {"data": {"dim": 4}, "automata": {"dim": 4}, "others": {"dim": 4}}
NETWORK = {
    "output": {
        "class": "softmax", "n_out": 7, "from": "data", "loss": "fast_bw", "loss_opts": {"sprint_opts": {"automata": "automata"}},
    },
    "bw": {
        "class": "fast_bw", "align_target": "fsa", "align_target_key": "others", "from": "output", "input_type": "prob",
        "is_output_layer": True,
    },
}  # fmt: skip


def test_streams_of_layers_and_losses_are_found():
    assert automata_streams(describe(NETWORK, EXTERN_DATA)) == {"automata": 7, "others": 7}


@pytest.mark.parametrize("states", [1, 2, 9])
def test_an_automaton_has_a_path_for_any_number_of_frames(states):
    rows = automaton(states, 7, numpy.random.default_rng(1))
    assert problem_of_automaton(rows) is None
    reached = {0}
    for _ in range(states + 2):
        reached = {int(row[1]) for row in rows if row[2] >= 0 and row[0] in reached}
        assert reached & {int(row[0]) for row in rows if row[2] == -1}


def test_generated_data_has_automata_of_unequal_sizes():
    data = trial_data(describe(NETWORK, EXTERN_DATA), EXTERN_DATA, seqs=3, frames=60)["data"]
    for key in ("automata", "others"):
        arcs = [numpy.array(seq[key]) for seq in data]
        assert len({len(rows) for rows in arcs}) > 1
        assert all(problem_of_automaton(rows) is None and rows[:, 2].max() < 7 for rows in arcs)
    assert data[0]["automata"] != data[0]["others"]
