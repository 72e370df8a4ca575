"""The example of RETURNN's document on pretraining: `stop_token`, a loss in a decoder's loop, with a scheduled scale."""

import json

import numpy as np
import pytest

from tests.jobs.conftest import Project

CONFIG = """
from sisyphus import tk
from jobs.pipeline import lay_out

EXTERN_DATA = {
    "data": {"dim": 6, "sparse": True},
    "frames": {"dim": 4, "shape": (None, 4)},
    "stop": {"dim": 1, "shape": (None, 1)},
}


def linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": None, **options}


def recurrent(source, n_out, direction=1):
    return {"class": "rec", "unit": "nativelstm2", "from": source, "n_out": n_out, "direction": direction}


NETWORK = {
    "embedding": linear("data", 5, with_bias=False),
    "fw": recurrent("embedding", 6),
    "bw": recurrent("embedding", 6, -1),
    "encoder": {"class": "copy", "from": ["fw", "bw"]},
    "keys": linear("encoder", 6),
    "decoder": {
        "class": "rec", "from": [], "target": "frames", "is_output_layer": True,
        "unit": {
            "before": linear("prev:truth", 4, activation="tanh"),
            "truth": {"class": "copy", "from": "data:frames"},
            "s": recurrent(["before", "prev:context"], 8),
            "query": linear("s", 6),
            "energy_in": {"class": "combine", "kind": "add", "from": ["base:keys", "query"], "activation": "tanh"},
            "energy": linear("energy_in", 1),
            "att_weights": {"class": "softmax_over_spatial", "from": "energy"},
            "context": {"class": "generic_attention", "weights": "att_weights", "base": "base:encoder"},
            "output": linear(["s", "context"], 4, loss="mse", target="frames"),
            "stop_token": linear(["s", "context"], 1, loss="bin_ce", target="stop"),
        },
    },
}


# copied from the document

def custom_construction_algo(idx, net_dict):
  if idx == 5:
    return None

  stop_token_loss_scale = min(idx/5, 1.0)
  net_dict['decoder']['unit']['stop_token']['loss_scale'] = stop_token_loss_scale

  return net_dict

pretrain = {"repetitions": 2, "construction_algo": custom_construction_algo}


def py():
    training = lay_out(
        "tts",
        network=NETWORK,
        pretrain=pretrain,
        num_epochs=12,
        config={"batch_size": 40, "use_normalized_loss": True, "learning_rate": 0.02},
        extern_data=EXTERN_DATA,
        train_data=tk.Path("@data@"),
        dev_data=tk.Path("@data@"),
        rqmt={"cpu": 1, "mem": 1},
    )
    tk.register_output("tts/checkpoint.h5", training.checkpoint)
"""


@pytest.fixture
def tts(project, tmp_path) -> Project:
    from boulder.data import HdfWriter

    rng = np.random.default_rng(1)
    sounds = rng.normal(size=(6, 2, 4)).astype("float32")  # each letter is two frames
    streams = {
        "data": {"dim": 6, "sparse": True}, "frames": {"dim": 4, "shape": (None, 4)}, "stop": {"dim": 1, "shape": (None, 1)},
    }  # fmt: skip
    with HdfWriter(tmp_path / "tts.hdf", streams) as writer:
        for i in range(20):
            letters = rng.integers(0, 6, rng.integers(2, 5)).astype("int32")
            frames = sounds[letters].reshape(-1, 4)
            stop = np.zeros((len(frames), 1), "float32")
            stop[-1] = 1
            writer.write(f"word-{i}", {"data": letters, "frames": frames, "stop": stop})
    project.write_config(CONFIG.replace("@data@", str(tmp_path / "tts.hdf")), "tts")
    return project


def test_the_plan_is_that_of_the_document(tts):
    code, output = tts.run("boulder", "plan", "config/tts.py", "--json")
    assert code == 0, output
    (plan,) = json.loads(output[output.index("[\n") :])
    scales = [
        (p["first_epoch"], p["last_epoch"], p["network"]["decoder"]["unit"]["stop_token"].get("loss_scale"))
        for p in plan["phases"]
    ]
    expected = [(1, 2, 0.0), (3, 4, 0.2), (5, 6, 0.4), (7, 8, 0.6), (9, 10, 0.8), (11, 12, None)]
    assert scales == expected


@pytest.mark.slow
def test_it_trains_all_phases_and_scores_the_scaled_loss_from_epoch_3_on(tts):
    code, output = tts.run("boulder", "run", "config/tts.py", timeout=280)
    assert code == 0, output
    records = {}
    for file in (tts.folder / "work/jobs/phase_training").glob("*/output/scores.jsonl"):
        records |= {record["epoch"]: record for record in map(json.loads, file.read_text().splitlines())}
    assert sorted(records) == list(range(1, 13))
    for epoch, record in records.items():
        assert ("cost:decoder/stop_token" in record["dev"]) == (epoch > 2), epoch
        scale = (epoch - 1) // 2 / 5
        assert record.get("scales") == ({"decoder/stop_token": scale} if 0 < scale < 1 else None), epoch
    assert "cost:decoder/stop_token (× 0.2)" in output
    assert records[12]["dev"]["cost:decoder/output"] < 0.7 * records[1]["dev"]["cost:decoder/output"]
    assert records[12]["dev"]["cost:decoder/stop_token"] < 0.7 * records[3]["dev"]["cost:decoder/stop_token"]


def test_plan_shows_the_layers_computed_within_the_loop(tts):
    code, output = tts.run("boulder", "plan", "config/tts.py", "--loops")
    assert code == 0, output
    assert "before: truth, before" in output
    assert "inside: s, query, energy_in, energy, att_weights, context" in output
    assert "after:  output, stop_token" in output
