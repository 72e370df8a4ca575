"""Several replicas train like one. test_several_replicas.py runs these tests in a process with $DEVICES devices."""

import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from boulder.data import HdfWriter
from boulder.errors import TrainingError
from boulder.training.optimizer import OPTIMIZERS
from boulder.training.progress import Progress
from boulder.training.scores import read_scores
from config.attention_network import Size
from config.attention_network import network as attention_network
from jobs.lexicon_to_hdf import END
from tests.tiny import EXTERN_DATA, network, phase, scheduled
from tests.training.priors import hybrid
from tests.training.test_options_per_phase import phases as options_per_phase

DEVICES = int(os.environ["DEVICES"])  # all strategies of a process must have the same number of them
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * DEVICES
)
SGD = {"optimizer": {"class": "momentum"}}
SEVERAL_LOSSES = {
    "output": {"class": "softmax", "from": "data", "loss": "ctc", "loss_scale": 0.5, "L2": 0.01},
    "hidden": {"class": "linear", "activation": "tanh", "from": "data", "n_out": 5},
    "again": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "classes"},
    "size": {"class": "reduce", "mode": "sum", "axis": "f", "from": "hidden", "loss": "as_is", "loss_scale": 0.1},
}


def assert_same(training, tmp_path, phases, name="", **options):
    """Compare the loss curve to 1e-5 relative, and each parameter to 1e-5 of its largest value."""
    alone = training(phases, f"alone{name}", **options)
    together = training(phases, f"together{name}", gpus=DEVICES, **options)
    curve = scores(tmp_path / f"alone{name}")
    assert scores(tmp_path / f"together{name}") == pytest.approx(curve, rel=1e-5)
    assert together.step == alone.step
    for path, value in alone.params.items():
        atol = 1e-5 * max(1e-3, abs(value).max())
        np.testing.assert_allclose(together.params[path], value, rtol=0, atol=atol, err_msg=path)
    for path, value in alone.averages.items():
        np.testing.assert_allclose(together.averages[path], value, rtol=0, atol=1e-5 * abs(value).max(), err_msg=path)


def scores(folder) -> list[float]:
    records = read_scores(folder / "scores.jsonl")
    return [record[data][key] for record in records for data in ("train", "dev") for key in sorted(record[data])]


SLOW = pytest.mark.slow


@pytest.mark.parametrize("normalized", [False, pytest.param(True, marks=SLOW)])
def test_ctc_with_clipping_and_l2_and_a_second_phase_is_the_same(training, tmp_path, normalized):
    net = network(1, 6)
    net["output"]["L2"] = 0.01
    options = {"use_normalized_loss": normalized, "gradient_clip_global_norm": 0.5, "gradient_clip": 0.3, **SGD}
    phases = [phase(0, range(1, 3), network(1, 4), **options), phase(1, range(3, 5), net, **options)]
    assert_same(
        training, tmp_path, [p | {"learning_rate_control": scheduled([0.05, 0.02], p["first_epoch"])} for p in phases]
    )


@pytest.mark.parametrize("max_seqs", [1, pytest.param(2, marks=SLOW), pytest.param(4, marks=SLOW)])
def test_batches_of_fewer_sequences_than_replicas_are_the_same_with_several_losses(training, tmp_path, max_seqs):
    assert_same(training, tmp_path, [phase(0, range(1, 3), SEVERAL_LOSSES, max_seqs=max_seqs, **SGD)])


@pytest.mark.parametrize("max_seqs", [5, pytest.param(1, marks=SLOW)])
def test_batch_norm_is_over_the_joint_batch(training, tmp_path, max_seqs):
    net = {
        "hidden": {"class": "linear", "activation": "tanh", "from": "data", "n_out": 5},
        "norm": {"class": "batch_norm", "from": "hidden", "momentum": 0.3, "delay_sample_update": True},
        "output": {"class": "softmax", "from": "norm", "loss": "ctc"},
    }
    assert_same(training, tmp_path, [phase(0, range(1, 3), net, max_seqs=max_seqs, ema=0.5, **SGD)])


@SLOW
@pytest.mark.parametrize("max_seqs", [5, 1])
def test_priors_are_over_the_joint_batch(training, tmp_path, max_seqs):
    assert_same(training, tmp_path, [phase(0, range(1, 3), hybrid(1, 4), max_seqs=max_seqs, ema=0.5, **SGD)])


@SLOW
def test_options_of_each_phase_in_loops_subnetworks_and_conditions_are_the_same(training, tmp_path):
    networks = [p["network"] for p in options_per_phase(noise=False)]
    phases = [phase(i, range(2 * i + 1, 2 * i + 3), net, ema=0.5, **SGD) for i, net in enumerate(networks)]
    assert_same(training, tmp_path, phases)


@SLOW
def test_an_attention_decoder_is_the_same(training, tmp_path):
    extern_data = EXTERN_DATA | {"targets": {"dim": END + 1, "sparse": True}}
    random = np.random.default_rng(2)
    with HdfWriter(tmp_path / "attention.hdf", extern_data) as writer:
        for i in range(12):
            letters = random.integers(0, 5, random.integers(2, 6)).astype("int32")
            writer.write(
                f"word-{i}", {"data": letters, "classes": letters, "targets": np.append(letters, np.int32(END))}
            )
    net = attention_network(Size(layers=1, encoder=4, decoder=4, dropout=0.0), ctc_scale=0.3, label_smoothing=0.1)
    files = {"train": [tmp_path / "attention.hdf"], "dev": [tmp_path / "attention.hdf"]}
    phases = [phase(0, range(1, 3), net, max_seqs=5, **SGD) | {"learning_rate_control": scheduled([0.05] * 2)}]
    assert_same(training, tmp_path, phases, extern_data=extern_data, **files)


@SLOW
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_makes_the_same_updates(training, tmp_path, optimizer):
    # with an epsilon of 1e-16, rounding noise in gradients of 0 would become updates
    net = {"output": {"class": "softmax", "from": "data", "loss": "ctc"}}
    options = {"optimizer": {"class": optimizer}, "optimizer_epsilon": 1e-4}
    assert_same(training, tmp_path, [phase(0, range(1, 3), net, **options)])


@pytest.mark.parametrize(
    "options",
    [
        {"accum_grad_multiple_step": 2, "ema": 0.5},
        pytest.param({"gradient_noise": 0.1}, marks=SLOW),
        pytest.param({"gradient_clip_norm": 0.1, "gradient_clip_global_norm": 0.2}, marks=SLOW),
    ],
)
def test_stages_with_slots_noise_or_norms_make_the_same_updates(training, tmp_path, options):
    net = network(1, 4)  # with an embedding
    options = {"optimizer": {"class": "nadam"}, "optimizer_epsilon": 1e-4, "gradient_clip": 0.3} | options
    assert_same(training, tmp_path, [phase(0, range(1, 3), net, max_seqs=7, **options)])


def test_scores_of_untrained_layers_are_the_same(training, tmp_path):
    net = {"hidden": {"class": "linear", "from": "data", "n_out": 5}}
    net["output"] = {"class": "softmax", "from": "hidden", "loss": "ctc"}
    for layers in ([], ["output"]):
        phases = [phase(0, range(1, 3), net, **SGD) | {"trainable_layers": layers}]
        assert_same(training, tmp_path, phases, name=str(len(layers)))


@SLOW
def test_dropout_differs_between_replicas_and_is_reproducible(training, tmp_path):
    """Each replica gets the same sequence: with equal masks, the mean cost would be that of one replica."""
    with HdfWriter(tmp_path / "twins.hdf", EXTERN_DATA) as writer:
        labels = np.array([0, 1, 2, 3], "int32")
        for i in range(DEVICES):
            writer.write(f"twin-{i}", {"data": labels, "classes": labels})
    net = {
        "output": {"class": "softmax", "from": "data", "loss": "ce", "dropout": 0.5, "dropout_noise_shape": {"*": None}}
    }
    net["embedded"] = {"class": "linear", "from": "data", "n_out": 20}
    net["output"]["from"] = "embedded"
    phases = [phase(0, range(1, 2), net) | {"learning_rate_control": scheduled([1e-9])}]
    files = {"train": [tmp_path / "twins.hdf"], "dev": []}
    first = training(phases, "first", gpus=DEVICES, **files)
    again = training(phases, "again", gpus=DEVICES, **files)
    assert first.checksum == again.checksum
    with HdfWriter(tmp_path / "single.hdf", EXTERN_DATA) as writer:
        writer.write("single", {"data": labels, "classes": labels})
    training(phases, "single", train=[tmp_path / "single.hdf"], dev=[])
    cost = {n: read_scores(tmp_path / n / "scores.jsonl")[0]["train"]["cost:output"] for n in ("first", "single")}
    assert abs(cost["first"] - cost["single"]) > 1e-3 * cost["single"]


@pytest.mark.parametrize("batches", [2, pytest.param(7, marks=SLOW)])
def test_a_stopped_and_resumed_run_gives_the_same_bytes(training, tmp_path, monkeypatch, batches):
    phases = [phase(0, range(1, 3), network(1, 4, dropout=0.2), ema=0.9)]
    training(phases, "undisturbed", gpus=DEVICES)
    whole, seen = Progress.advance, iter(range(10**6))

    def advance(self, sums):
        whole(self, sums)
        if next(seen) + 1 == batches:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Progress, "advance", advance)
    with pytest.raises(SystemExit, match="SIGTERM"):
        training(phases, "stopped", gpus=DEVICES)
    training(phases, "stopped", gpus=DEVICES)
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()


@SLOW
def test_one_replica_resumes_the_checkpoint_of_several_and_vice_versa(training, tmp_path):
    whole = [phase(0, range(1, 4), network(1, 4), **SGD)]
    part = [whole[0] | {"last_epoch": 2, "learning_rate_control": scheduled([0.01] * 2)}]
    rest = [whole[0] | {"first_epoch": 3, "learning_rate_control": scheduled([0.01], 3)}]
    alone = training(whole, "whole")
    for before, after in ((1, DEVICES), (DEVICES, 1)):
        training(part, f"part{before}", gpus=before)
        ended = training(rest, f"rest{after}", previous=tmp_path / f"part{before}/checkpoint.h5", gpus=after)
        for path, value in alone.params.items():
            np.testing.assert_allclose(ended.params[path], value, rtol=0, atol=1e-5 * abs(value).max(), err_msg=path)


def test_a_non_finite_loss_in_one_replica_updates_none_and_names_the_joint_batch(training, tmp_path):
    net = network(1, 4)
    net["blow"] = {"class": "eval", "from": "output", "eval": "tf.math.log(source(0) - 1.0)", "loss": "ctc"}
    with pytest.raises(TrainingError, match=r"epoch 1, batch 0: .*not finite .*on the sequences train-\d+, train-\d+"):
        training([phase(0, range(1, 2), net)], "nan", gpus=DEVICES)
    assert not list((tmp_path / "nan/store").iterdir())


def test_too_many_gpus_are_a_one_line_error(training):
    with pytest.raises(TrainingError) as raised:
        training([phase(0, range(1, 2), network(1, 4))], gpus=DEVICES + 1)
    assert str(raised.value).startswith(
        f"this phase needs gpus={DEVICES + 1}, but TensorFlow found 0 (CUDA_VISIBLE_DEVICES is "
    )
    assert "\n" not in str(raised.value)
