"""config/g2p_attention.py: growth of the encoder, and options that differ between pretraining and the full network."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.network import describe
from boulder.schedule import plan
from config.attention_network import Size, network
from config.g2p_attention import LABEL_SMOOTHING, construction_algo
from jobs.lexicon_to_hdf import LETTERS_TO_TARGETS

ROOT = Path(__file__).parents[2]
SIZE = Size(layers=3, encoder=8, decoder=6, dropout=0.2)


@pytest.fixture(scope="module")
def phases():
    full = network(SIZE, ctc_scale=0.0, label_smoothing=LABEL_SMOOTHING)
    return plan(full, {"construction_algo": construction_algo(SIZE), "repetitions": 1}, 8).phases


def test_the_encoder_grows_in_depth_and_width(phases):
    lstms = [{n: layer["n_out"] for n, layer in p.network.items() if n.endswith("_fw")} for p in phases]
    assert lstms == [
        {"lstm0_fw": 4},
        {"lstm0_fw": 6, "lstm1_fw": 6},
        {"lstm0_fw": 8, "lstm1_fw": 8, "lstm2_fw": 8},
        {"lstm0_fw": 8, "lstm1_fw": 8, "lstm2_fw": 8},
    ]


def test_pretraining_has_a_ctc_loss_and_only_the_last_phase_has_label_smoothing(phases):
    *pretraining, last = phases
    assert all("ctc" in phase.network for phase in pretraining)
    assert "ctc" not in last.network
    smoothed = ["loss_opts" in phase.network["output"]["unit"]["output_prob"] for phase in phases]
    assert smoothed == [False] * len(pretraining) + [True]


def test_search_needs_only_trained_parameters_in_every_phase(phases):
    for phase in phases:
        trained, searched = (describe(phase.network, LETTERS_TO_TARGETS, mode) for mode in ("train", "search"))
        assert trained.params == searched.params
        assert searched.layers["decision"].template.sparse_dim == 40


@pytest.mark.slow
def test_the_demo_reaches_a_per_below_20_percent_in_15_minutes(tmp_path):
    for name in ("settings.py", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    boulder = Path(sys.executable).parent / "boulder"
    command = [boulder, "run", "config/g2p_attention.attention_demo"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=900, capture_output=True)
    rates = (tmp_path / "output/g2p.attention_demo/error_rates.txt").read_text()
    assert float(rates.split("PER ")[1].split("%")[0]) < 20
    (attention,) = tmp_path.glob("work/jobs/beam_search/*/output/attention.json")
    word, weights = next(iter(json.loads(attention.read_text()).items()))
    assert all(len(row) == len(word) for row in weights)
    assert all(abs(sum(row) - 1) < 0.01 for row in weights)
