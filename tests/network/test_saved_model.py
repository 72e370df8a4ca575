"""A SavedModel, run by plain TensorFlow in a process without Boulder, gives what the network gives here."""

import os
import subprocess
import sys

import numpy as np
import pytest

from boulder.errors import CheckpointError, NetworkError
from boulder.network import describe, run_network
from boulder.network.initializers import initial_value
from boulder.network.saved_model import needed_for, save_for_inference
from config.attention_network import Size
from config.attention_network import network as attention_network
from jobs.lexicon_to_hdf import END

EXTERN_DATA = {"data": {"dim": 5, "sparse": True}, "targets": {"dim": END + 1, "sparse": True}, "classes": {"dim": 9, "sparse": True}}  # fmt: skip
FEATURES = {"features": {"dim": 4, "available_for_inference": True}, "classes": {"dim": 3, "sparse": True}}
FRAMES = {
    "lstm": {"class": "rec", "unit": "nativelstm2", "from": "data:features", "n_out": 3},
    "norm": {"class": "batch_norm", "from": "lstm"},
    "pooled": {"class": "pool", "mode": "max", "pool_size": (2,), "padding": "same", "from": "norm"},
    "output": {"class": "softmax", "from": "pooled", "n_out": 3},
    "ce": {"class": "softmax", "from": "lstm", "loss": "ce", "target": "classes"},
}
LENGTHS = np.array([5, 2, 4], "int32")

RUN = """
import sys
import numpy, tensorflow
arrays = dict(numpy.load(sys.argv[2]))
model = tensorflow.saved_model.load(sys.argv[1])
result = model.signatures["serving_default"](**{key: tensorflow.constant(value) for key, value in arrays.items()})
assert not {"boulder", "jobs"} & {name.partition(".")[0] for name in sys.modules}
numpy.savez(sys.argv[3], **{key: value.numpy() for key, value in result.items()})
"""


def attention() -> dict:
    return attention_network(Size(layers=1, encoder=3, decoder=3, dropout=0.0), ctc_scale=1.0, label_smoothing=0.0)


def params_of(spec) -> dict:
    return {path: initial_value(p.init, p.shape, 1, path, p.dtype) for path, p in spec.params.items()}


def run_elsewhere(folder, inputs: dict) -> dict:
    np.savez(folder / "in.npz", **inputs)
    command = [sys.executable, "-c", RUN, folder / "model", folder / "in.npz", folder / "out.npz"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
        "TF_CPP_MIN_LOG_LEVEL": "3"
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "out.npz"))


@pytest.mark.long
def test_frames_have_the_same_outputs_and_lengths(tmp_path):
    spec = describe(FRAMES, FEATURES, "eval")
    params = params_of(spec)
    params["norm/batch_norm/norm_norm_output_mean"] += 0.3
    lines = save_for_inference(spec, params, tmp_path / "model")
    assert lines == [
        "input 'features': [batch, time:features, feature:4] float32, with 'features_lengths'",
        "output 'output': [batch, time:every(features, 2), feature:3] float32, with 'output_lengths'",
    ]
    data = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
    data[1, 2:] = np.nan  # padding
    found = run_elsewhere(tmp_path, {"features": data, "features_lengths": LENGTHS})
    assert found["output_lengths"].tolist() == [3, 1, 2]
    ours = run_network(needed_for(spec, ["output"]), params, {"features": data}, {"features": LENGTHS})
    expected = ours.layers["output"].value.numpy()
    for row, theirs, length in zip(expected, found["output"], found["output_lengths"], strict=True):
        np.testing.assert_allclose(theirs[:length], row[:length], rtol=1e-5)


@pytest.mark.slow
def test_a_search_and_its_encoder_are_one_model(tmp_path):
    spec = describe(attention(), EXTERN_DATA, "search")
    params = params_of(spec)
    save_for_inference(spec, params, tmp_path / "model", ["decision", "encoder"])
    data = np.random.default_rng(0).integers(0, 5, (3, 5)).astype("int32")
    found = run_elsewhere(tmp_path, {"data": data, "data_lengths": LENGTHS})
    ours = run_network(spec, params, {"data": data}, {"data": LENGTHS}, losses=False)
    decision = ours.layers["decision"]
    assert found["decision_lengths"].tolist() == ours.lengths[decision.template.time].numpy().tolist()
    np.testing.assert_array_equal(found["decision"], decision.ordered(decision.template.axes).numpy())
    assert found["encoder"].shape == (3, 5, 6)


@pytest.mark.parametrize("mode", ["eval", "search"])
def test_only_what_a_layer_needs_is_kept(mode):
    spec = describe(attention(), EXTERN_DATA, mode)
    assert set(needed_for(spec, ["encoder"]).layers) == {"embedding", "lstm0_fw", "lstm0_bw", "encoder"}
    kept = needed_for(spec, ["decision"]).layers
    assert "ctc" not in kept
    assert ("output/:loop" in kept) == (mode == "search")  # with given labels, nothing is decided


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("decison", "there is no layer 'decison'; did you mean 'decision'"),
        ("output", "layer 'output' has hypotheses of a search, .* expected a layer of class 'decide' after it"),
        ("output/att_weights", "layer 'output/att_weights' is within a loop, "),
    ],
)
def test_layers_that_cannot_be_given_are_named(tmp_path, layer, message):
    spec = describe(attention(), EXTERN_DATA, "search")
    with pytest.raises(NetworkError, match=message):
        save_for_inference(spec, {}, tmp_path / "model", [layer])


def test_an_existing_model_is_kept(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/saved_model.pb").write_text("other")
    spec = describe(FRAMES, FEATURES, "eval")
    with pytest.raises(CheckpointError, match=r"SavedModel .*/model: cannot be written: Directory not empty"):
        save_for_inference(spec, params_of(spec), tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model/saved_model.pb").read_text() == "other"
