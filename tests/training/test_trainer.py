"""A training run is a function of its arguments, independent of where it was stopped."""

import contextlib
import json
import signal

import h5py
import pytest

from boulder.errors import CheckpointError, TrainingError
from boulder.training.scores import read_scores
from tests.tiny import network, phase, scheduled

PHASES = [phase(0, range(1, 3), network(1, 4)), phase(1, range(3, 5), network(2, 6, dropout=0.2))]


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(training, tmp_path):
    training(PHASES, "one")
    training(PHASES, "two")
    assert (tmp_path / "one/checkpoint.h5").read_bytes() == (tmp_path / "two/checkpoint.h5").read_bytes()


def test_one_run_per_phase_gives_the_same_bytes_as_one_run_for_all(training, tmp_path):
    training(PHASES, "all")
    training(PHASES[:1], "first")
    training(PHASES[1:], "second", previous=tmp_path / "first/checkpoint.h5")
    assert (tmp_path / "all/checkpoint.h5").read_bytes() == (tmp_path / "second/checkpoint.h5").read_bytes()


@pytest.mark.long
@pytest.mark.parametrize(
    ("batches", "number"),
    [
        pytest.param(2, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(6, signal.SIGUSR1, marks=pytest.mark.slow),
        (7, signal.SIGINT),
        (3, signal.SIGXCPU),
    ],
)
def test_a_run_stopped_by_a_signal_and_resumed_gives_the_same_bytes(training, stop_at, tmp_path, batches, number):
    """The run stops in the middle of an epoch after 2 batches, and between training and dev or in dev after 6 or 7."""
    phases = [phase(0, range(1, 3), network(1, 4, dropout=0.2))]
    training(phases, "undisturbed")
    stop_at(batches, number)
    before = signal.getsignal(number)
    with pytest.raises(SystemExit, match=signal.Signals(number).name):
        training(phases, "stopped")
    signal.signal(number, before)  # Grid Engine repeats SIGXCPU, so that it is ignored from then on
    assert not (tmp_path / "stopped/checkpoint.h5").exists()
    training(phases, "stopped")
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    assert [r["epoch"] for r in read_scores(tmp_path / "stopped/scores.jsonl")] == [1, 2]


@pytest.mark.long
@pytest.mark.parametrize(
    "batches", [pytest.param(1, marks=pytest.mark.slow), 5, pytest.param(7, marks=pytest.mark.slow)]
)
def test_a_run_stopped_in_a_partition_of_the_data_gives_the_same_bytes(training, data, stop_at, tmp_path, batches):
    described = {"class": "HDFDataset", "files": [str(data / "train.hdf")], "seq_ordering": "laplace:.7"}
    options = {"max_seq_length": {"data": 3}, "seq_drop": 0.1, "returnn_batches": True, "max_seqs": 4}
    phases = [
        phase(0, range(1, 4), network(1, 4, dropout=0.2), **options) | {"train": described | {"partition_epoch": 3}}
    ]
    training(phases, "undisturbed")
    stop_at(batches)
    with pytest.raises(SystemExit):
        training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()


@pytest.mark.long
def test_a_run_stopped_in_chunks_of_sequences_gives_the_same_bytes(training, stop_at, tmp_path):
    net = {
        "embedding": {"class": "linear", "from": "data", "n_out": 4},
        "output": {"class": "softmax", "from": "embedding", "loss": "ce", "dropout": 0.1},
    }
    phases = [phase(0, range(1, 3), net, chunking="2:1", chunking_variance=0.5)]
    training(phases, "undisturbed")
    stop_at(9)
    with pytest.raises(SystemExit):
        training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()


def test_a_run_stopped_in_a_later_phase_resumes_there(training, stop_at, tmp_path):
    training(PHASES, "undisturbed")
    stop_at(20)
    with pytest.raises(SystemExit, match="stopped in epoch 3"):
        training(PHASES, "stopped")
    training(PHASES, "stopped")
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    assert [r["epoch"] for r in read_scores(tmp_path / "stopped/scores.jsonl")] == [1, 2, 3, 4]


@pytest.mark.long
def test_a_phase_spread_over_two_runs_keeps_its_optimizer(training, tmp_path):
    whole = [phase(0, range(1, 4), network(1, 4))]
    part = [whole[0] | {"last_epoch": 2, "learning_rate_control": scheduled([0.01] * 2)}]
    rest = [whole[0] | {"first_epoch": 3, "learning_rate_control": scheduled([0.01], 3)}]
    training(whole, "whole")
    training(part, "part")
    training(rest, "rest", previous=tmp_path / "part/checkpoint.h5")
    assert (tmp_path / "whole/checkpoint.h5").read_bytes() == (tmp_path / "rest/checkpoint.h5").read_bytes()


def test_the_loss_falls_and_scores_and_tensorboard_are_written(training, tmp_path):
    checkpoint = training([phase(0, range(1, 9), network(1, 16), batch_size=30)])
    records = [json.loads(line) for line in (tmp_path / "run/scores.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(1, 9))
    assert records[-1]["dev"]["cost:output"] < 0.5 * records[0]["dev"]["cost:output"]
    assert list((tmp_path / "run/tensorboard").glob("events.*"))
    assert [h["epoch"] for h in checkpoint.history] == list(range(1, 9))
    assert checkpoint.history[-1]["train"] == records[-1]["train"]


def test_a_loss_of_scale_0_is_scored_but_not_trained(training, tmp_path):
    plain = training([phase(0, range(1, 2), network(1, 4))], "plain")
    nan = {"class": "eval", "from": "fw0", "eval": "source(0) * float('nan')"}
    net = network(1, 4) | {"nan": nan, "aux": {"class": "softmax", "from": "nan", "loss": "ctc", "loss_scale": 0.0}}
    scored = training([phase(0, range(1, 2), net)])
    record = read_scores(tmp_path / "run/scores.jsonl")[0]
    assert sorted(record["train"]) == ["cost:aux", "cost:output", "error:aux", "error:output"]
    assert record["scales"] == {"aux": 0.0}
    for path, value in plain.params.items():
        assert (scored.params[path] == value).all()


@pytest.mark.long
def test_the_objective_is_a_sum_over_frames_unless_normalised(training):
    """With plain SGD the first step is proportional to the objective, hence to the number of target frames in the batch."""
    net, sgd = network(1, 4), {"optimizer": {"class": "sgd"}, "batching": "default", "max_seqs": 30, "batch_size": 1000}
    start = training(
        [phase(0, range(1, 2), net, **sgd) | {"learning_rate_control": scheduled([1e-12])}], "start"
    ).params["output/b"]
    rate = {"learning_rate_control": scheduled([1e-3])}
    mean = training([phase(0, range(1, 2), net, **sgd, use_normalized_loss=True) | rate], "mean").params["output/b"]
    total = training([phase(0, range(1, 2), net, **sgd, use_normalized_loss=False) | rate], "sum").params["output/b"]
    ratio = (total - start) / (mean - start)
    assert ratio == pytest.approx(ratio[0], rel=1e-2)
    assert ratio[0] > 50
    own = net | {"output": net["output"] | {"loss_opts": {"use_normalized_loss": True}}}
    assert (training([phase(0, range(1, 2), own, **sgd) | rate], "own").params["output/b"] == mean).all()


def test_a_non_finite_loss_is_an_error_with_the_batch_and_the_last_good_checkpoint(training, tmp_path):
    from boulder.training import Checkpoint

    phases = [phase(0, range(1, 4), network(1, 4), optimizer={"class": "sgd"}, use_normalized_loss=False)]
    phases[0]["network"]["blow"] = {"class": "eval", "from": "output", "eval": "tf.math.log(source(0) - 1.0)"}
    phases[0]["network"]["blow"] |= {"loss": "ctc"}
    with pytest.raises(
        TrainingError, match=r"epoch 1, batch 0: .*not finite .*on the sequences train-\d+.*no epoch was"
    ):
        training(phases, "nan")
    phases = [phase(0, range(1, 4), network(1, 4), optimizer={"class": "sgd"}, use_normalized_loss=False)]
    phases[0]["learning_rate_control"] = scheduled([1e-3, 1e30, 1e30])
    with pytest.raises(TrainingError, match=r"epoch 2, batch \d+: .*the last good checkpoint is .*epoch\.000001\.h5"):
        training(phases, "diverges")
    assert Checkpoint.load(tmp_path / "diverges/store/epoch.000001.h5").epoch == 1


def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_is_used(training, tmp_path):
    phases = [phase(0, range(1, 4), network(1, 4))]
    training(phases, "undisturbed")
    training(phases, "damaged")
    newest = tmp_path / "damaged/store/epoch.000003.h5"
    with h5py.File(newest) as file:
        position = file["params/embedding/W"].id.get_offset()
    content = bytearray(newest.read_bytes())
    content[position] ^= 1
    newest.write_bytes(content)
    (tmp_path / "damaged/checkpoint.h5").unlink()
    lines = []
    training(phases, "damaged", say=lines.append)
    assert "epoch.000003.h5" in lines[0]
    assert "resuming from the one before" in lines[0]
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "damaged/checkpoint.h5").read_bytes()


def test_a_later_phase_without_a_checkpoint_is_an_error(training):
    with pytest.raises(CheckpointError, match="begins at epoch 3 and needs the checkpoint of epoch 2"):
        training(PHASES[1:])


def test_a_missing_previous_checkpoint_is_named(training, tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.h5: there is no such file"):
        training(PHASES[1:], previous=tmp_path / "gone.h5")


def test_a_full_disk_stops_the_training_and_keeps_the_last_good_checkpoint(training, small_disk):
    from boulder.training import Checkpoint

    def fill(line):
        if line.startswith("epoch 1 "):
            with contextlib.suppress(OSError), open(small_disk / "filler", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1000))

    with pytest.raises(CheckpointError, match=r"epoch\.000002\.h5: cannot be written: No space left on device"):
        training([phase(0, range(1, 4), network(1, 4))], say=fill, store=small_disk / "store")
    assert [path.name for path in (small_disk / "store").iterdir()] == ["epoch.000001.h5"]
    assert Checkpoint.load(small_disk / "store/epoch.000001.h5").epoch == 1


def test_a_function_in_a_net_dict_is_stored_by_its_digest_and_works_in_search(training, data):
    from boulder.schedule.canonical import canonical
    from boulder.schedule.functions import restore
    from boulder.search.data_pass import DataPass
    from boulder.search.network import ctc_search
    from tests.tiny import EXTERN_DATA

    def scaled(source):
        return source(0) * 0.5

    functions: dict = {}
    net = network(1, 4)
    net["scale"] = {"class": "eval", "from": "embedding", "eval": scaled}
    net["fw0"]["from"] = "scale"
    plain = canonical(phase(0, range(1, 2), net), functions)
    checkpoint = training([restore(plain, functions)])
    assert checkpoint.network == plain["network"]
    found = ctc_search(DataPass(checkpoint, EXTERN_DATA, [data / "dev.hdf"], 1000, functions), "output")
    assert len(found) == 8


def test_only_trainable_layers_are_trained_and_reset_layers_start_fresh(training, tmp_path):
    net = network(1, 4)
    first = training([phase(0, range(1, 2), net)], "first")
    part = phase(1, range(2, 3), net) | {"trainable_layers": ["output"], "reset_layers": ["bw0"]}
    second = training([part], "second", previous=tmp_path / "first/checkpoint.h5")
    for path, value in second.params.items():
        same = (value == first.params[path]).all()
        assert same == path.startswith(("embedding", "fw0")), path
    assert not second.params["bw0/rec/b"].any()
    none = phase(2, range(3, 4), net) | {"trainable_layers": []}
    third = training([none], "third", previous=tmp_path / "second/checkpoint.h5")
    assert all((value == second.params[path]).all() for path, value in third.params.items())
    assert third.history[-1]["train"]["cost:output"] > 0
