"""config/prompts_tts.py: the documentation's schedule of the stop token's loss, and synthesis with the network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.schedule import plan
from boulder.speech.mel_frames import MelFrames
from boulder.speech.synthesis_data import streams
from config.prompts_tts import construction_algo
from config.tts_network import Size, network
from tests.speech.made_packages import LETTER_SECONDS, write_packages

ROOT = Path(__file__).parents[2]
SMALL = """
from config.prompts_tts import synthesis
from config.tts_network import Size
from jobs.rqmt import training_rqmt

def py():
    synthesis(
        "small", folder="packages", size=Size(convolutions=1, encoder=16, decoder=40, prenet=16), repetitions=1,
        learning_rates=[0.003] * 12, config={"batch_size": {"spectrogram": 300}, "max_seqs": 12},
        rqmt=training_rqmt(cpu=2, mem=4, time=1),
    )
"""
SIZE, MEL = Size(convolutions=1, encoder=4, decoder=10, prenet=3), MelFrames(filters=3, stacked=2)
EXTERN_DATA = streams("abcde", MEL)


@pytest.fixture(scope="module")
def phases():
    pretrain = {"construction_algo": construction_algo(SIZE), "repetitions": 2}
    return plan(network(SIZE, MEL), pretrain, 14).phases


def test_the_stop_tokens_loss_grows_from_0_to_1_as_in_returnns_documentation(phases):
    scales = [phase.network["decoder"]["unit"]["stop_token"]["loss_scale"] for phase in phases]
    assert scales == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert [phase.epochs.start for phase in phases] == [1, 3, 5, 7, 9, 11]


def test_the_decoder_widens_and_the_guidance_fades(phases):
    units = [phase.network["decoder"]["unit"] for phase in phases]
    assert [unit["s"]["n_out"] for unit in units] == [5, 6, 7, 8, 9, 10]
    guidance = [unit["position"]["loss_scale"] for unit in units]
    assert guidance == sorted(guidance, reverse=True)
    assert guidance[0] == pytest.approx(10 * guidance[-1])


def test_training_and_synthesis_have_the_same_parameters(phases):
    for phase in phases:
        trained, searched = (describe(phase.network, EXTERN_DATA, mode) for mode in ("train", "search"))
        assert trained.params == searched.params


def run(mode: str, params: dict, data: dict, lengths: dict) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """:return: for each sequence: frames [T, D], and attention weights [T, labels]"""
    net = network(SIZE, MEL)
    for name in ("prenet2", "prenet"):
        net["decoder"]["unit"][name]["dropout"] = 0.0
    spec = describe(net, EXTERN_DATA, mode)
    result = run_network(spec, params, data, lengths, losses=False)
    frames, weights = result.layers["output"], result.layers["decoder/att_weights"]
    sizes = result.lengths[frames.template.time].numpy()
    values = frames.ordered(frames.template.axes).numpy()
    order = {"batch": 0, "loop": 1, "time": 2, "feature": 3}
    maps = weights.ordered(sorted(weights.axes, key=lambda axis: order[axis.kind])).numpy()
    return [row[:n] for row, n in zip(values, sizes, strict=True)], [
        row[:n, :m, 0] for row, n, m in zip(maps, sizes, lengths["data"], strict=True)
    ]


def test_synthesis_is_training_on_its_own_frames_and_the_stop_token_ends_it():
    spec, rng = describe(network(SIZE, MEL), EXTERN_DATA), np.random.default_rng(3)
    params = {path: tf.constant(rng.normal(size=p.shape) * 0.7, tf.float32) for path, p in sorted(spec.params.items())}
    text = {"data": rng.integers(0, 6, (8, 6)).astype("int32")}
    lengths = {"data": np.array([6, 5, 4, 3, 6, 5, 4, 3], "int32")}
    frames, weights = run("search", params, text, lengths)
    sizes = np.array([len(row) for row in frames], "int32")
    assert 1 <= sizes.min() < sizes.max() <= 6 * 3 + 20
    padded = np.zeros((8, sizes.max(), MEL.dim), "float32")
    for row, found in zip(padded, frames, strict=True):
        row[: len(found)] = found
    forced, weights_again = run("eval", params, text | {"spectrogram": padded}, lengths | {"spectrogram": sizes})
    for row, again in zip(frames, forced, strict=True):
        np.testing.assert_allclose(row, again, rtol=1e-4, atol=1e-5)
    for row, again in zip(weights, weights_again, strict=True):
        np.testing.assert_allclose(row, again, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(row.sum(axis=1), 1, rtol=1e-5)
        assert (np.diff(row @ np.arange(row.shape[1])) > -1e-4).all()  # the window only moves forward


@pytest.mark.slow
def test_a_small_network_learns_to_speak_in_tones(tmp_path):
    words = ["activate", "dial", "four", "hello", "pound", "press", "star", "thanks", "one", "two", "number", "please"]
    texts = {f"{first}-{second}": f"{first} {second}." for first in words for second in words}
    write_packages(tmp_path / "packages", texts=texts)
    (tmp_path / "settings.py").symlink_to(ROOT / "settings.py")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/small.py").write_text(SMALL)
    boulder = Path(sys.executable).parent / "boulder"
    run = subprocess.run(
        [boulder, "run", "config/small.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=900
    )
    assert run.returncode == 0, run.stdout + run.stderr
    scores = sorted(
        (
            json.loads(line)
            for file in tmp_path.glob("work/jobs/phase_training/*/output/scores.jsonl")
            for line in file.open()
        ),
        key=lambda row: row["epoch"],
    )
    costs = [row["dev"]["cost:decoder/mel"] for row in scores]
    assert len(costs) == 12
    assert costs[-1] < 0.8 * costs[0]
    sounds = sorted((tmp_path / "output/small/synthesised").glob("*/*.wav"))
    assert len(sounds) > 4
    for sound in sounds:
        samples, rate = soundfile.read(sound)
        true = LETTER_SECONDS * len(sound.stem)
        assert 0.5 * true < len(samples) / rate < 2 * true
        assert np.abs(samples).max() > 0.05
    report = (tmp_path / "output/small/report.html").read_text()
    assert report.count("<audio") == 3 * len(sounds)


@pytest.mark.parametrize("function", ["tts", "tts_large"])
def test_the_command_finds_the_set_up_beside_the_recogniser(function):
    boulder = Path(sys.executable).parent / "boulder"
    command = [boulder, "plan", f"config/prompts.{function}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "unit/stop_token/loss_scale" in run.stdout
