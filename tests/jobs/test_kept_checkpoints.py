"""Kept checkpoints of a pipeline: its outputs, the selection of the best and last ones, and their average."""

import json
import zlib

import numpy as np
import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import CheckpointError, ConfigError
from boulder.training import Checkpoint
from boulder.training.keep import Keep
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data

BEST = {"cleanup_old_models": {"keep_best_n": 2, "keep_last_n": 2, "keep": []}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data, request):
    """:return: function (further config, further arguments) → pipeline of epochs 1–2 of index 0 and 3–8 of the original network"""
    from jobs.pipeline import lay_out as lay_out_pipeline

    seed = zlib.crc32(request.node.name.encode()) % 2**31  # jobs of its own, as a job keeps what any pipeline wants

    def laid_out(config=None, num_epochs=8, **arguments):
        defaults = {
            "network": network(1, 5),
            "pretrain": {"construction_algo": lambda idx, net_dict: None if idx else network(1, 4), "repetitions": 2,
                         "copy_param_mode": "subset"},
            "num_epochs": num_epochs,
            "config": CONFIG | {"random_seed": seed} | (config or {}),
            "extern_data": EXTERN_DATA,
            "train_data": str(data / "train.hdf"),
            "dev_data": str(data / "dev.hdf"),
        }  # fmt: skip
        return lay_out_pipeline("kept", **(defaults | arguments))

    return laid_out


def ids(pipeline) -> list[str]:
    return [job.job_id() for job in pipeline.jobs]


def names(pipeline) -> dict[int, str]:
    return {epoch: path.get_path().rpartition("output/")[2] for epoch, path in pipeline.out_checkpoints.items()}


def test_kept_checkpoints_are_outputs_of_the_jobs_and_do_not_change_their_ids(lay_out):
    ends = {2: "checkpoint.h5", 8: "checkpoint.h5"}
    plain = lay_out(num_epochs=7)
    assert names(plain) == {2: "checkpoint.h5", 7: "checkpoint.h5"}
    kept = lay_out(keep_epochs=[1, 5])
    assert names(kept) == {1: "checkpoints/epoch.000001.h5", 5: "checkpoints/epoch.000005.h5"} | ends
    assert kept.checkpoint_of(8) == kept.checkpoint
    assert ids(lay_out()) == ids(kept)
    every = lay_out({"cleanup_old_models": False, "save_interval": 3}, num_epochs=10)
    assert every.keep.epochs == (3, 6, 9)
    assert {2, 3, 6, 9, 10} <= set(every.out_checkpoints)
    assert "cleanup_old_models" not in every.jobs[0].phases[0]["config"]


def test_two_experiments_that_share_a_job_keep_what_either_keeps(lay_out):
    lay_out(keep_epochs=[4], num_epochs=12)
    assert 4 in lay_out(keep_epochs=[6], num_epochs=12).out_checkpoints
    assert lay_out(num_epochs=12).jobs[1].kept.epochs == (4, 6)


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        ({}, {"keep_epochs": [9]}, "pipeline 'kept': keep_epochs: found 9, expected epochs from 1 to 8"),
        ({}, {"keep_epochs": ["a"]}, "keep_epochs: found .'a'., expected a list of epochs"),
        ({"cleanup_old_models": {"keep_lst_n": 2}}, {}, "has no option 'keep_lst_n', .*; did you mean 'keep_last_n'"),
        (BEST, {"dev_data": None}, "'cleanup_old_models' has 'keep_best_n', but no data is scored"),
        ({}, {"pretrain": {"construction_algo": lambda idx, net_dict: None if idx else net_dict | {"#config": BEST}}},
         "config: 'cleanup_old_models' concerns the whole training, expected outside of '#config'"),
    ],
)  # fmt: skip
def test_wrong_options_are_reported_before_any_job_is_made(lay_out, config, arguments, message):
    with pytest.raises(ConfigError, match=message):
        lay_out(config, **arguments)


def test_returnns_default_without_dev_data_keeps_the_best_on_train(lay_out):
    assert lay_out({"cleanup_old_models": True}, dev_data=None, num_epochs=9).keep.best == 4


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda p: p.checkpoint_of(3), r"epoch 3: its checkpoint is not kept; expected one of 2, 7, 8, or keep_epochs=\[3\]"),
        (lambda p: p.best(by="dev_eror"), "by: found 'dev_eror', which no phase computes, .*; did you mean 'dev_error'"),
        (lambda p: p.average(best=3), "the 3 best checkpoints by 'dev_error': .* expected 'cleanup_old_models': {'keep_best_n': 3}"),
        (lambda p: p.average(last=3), "the 3 last checkpoints: .* expected 'cleanup_old_models': {'keep_last_n': 3}"),
        (lambda p: p.average(last=0), "number of checkpoints: found 0, expected a positive int"),
        (lambda p: p.average(), "average: found last=None, best=None, epochs=None, expected one of them"),
        (lambda p: p.average(epochs=[2, 8]), r"networks of epochs 2 and 8 differ: 'bw0/rec/W' is float32 \[4, 16\] and float32 \[4, 20\]"),
    ],
)  # fmt: skip
def test_a_choice_that_is_not_kept_is_an_error_that_tells_how_to_keep_it(lay_out, choose, message):
    with pytest.raises(ConfigError, match=message):
        choose(lay_out(BEST))


def test_the_score_of_one_loss_has_two_names(lay_out):
    pipeline = lay_out(BEST)
    assert {pipeline.best(by=by).creator.by for by in ("dev_error", "train_score_output")} == {
        "dev_error",
        "train_score_output",
    }


LINEAR = {"class": "linear", "from": "data", "activation": None}


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ({"output": {"class": "softmax", "from": "data", "loss": "ce"}}, "dev_error"),
        ({"output": {**LINEAR, "loss": "mse", "target": "frames"}}, "dev_score"),
        (
            {
                "output": {**LINEAR, "loss": "mse", "target": "frames"},
                "phones": {"class": "softmax", "from": "data", "loss": "ce", "target": "classes"},
            },
            "dev_score_output",
        ),
        (
            {
                "output": {"class": "softmax", "from": "data", "loss": "ce"},
                "length": {**LINEAR, "loss": "mse", "target": "frames"},
            },
            "dev_error_output",
        ),
    ],
)
def test_without_a_name_the_best_is_by_the_score_that_the_report_shows_first(tmp_path, net, expected):
    from boulder.data import HdfWriter
    from jobs.pipeline import lay_out

    streams = {"data": {"dim": 3}, "classes": {"dim": 5, "sparse": True}, "frames": {"dim": 2}}
    with HdfWriter(tmp_path / "data.hdf", streams) as writer:
        frames = np.ones([4, 3], "float32")
        writer.write("one", {"data": frames, "classes": np.ones(4, "int32"), "frames": frames[:, :2]})
    pipeline = lay_out(
        "best",
        network=net,
        num_epochs=3,
        config=CONFIG | BEST,
        extern_data=streams,
        train_data=str(tmp_path / "data.hdf"),
        dev_data=str(tmp_path / "data.hdf"),
    )
    assert pipeline.best().creator.by == expected
    assert pipeline.best() is pipeline.best(by=expected)


@pytest.fixture
def trained(tmp_path, monkeypatch, lay_out):
    """:return: a pipeline in `tmp_path`, whose jobs look as if they had finished; dev errors of its epochs are 5, 4, 3, …, but 0.5 in epoch 4"""
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    pipeline = lay_out(BEST)
    for job in pipeline.jobs:
        job._sis_setup_directory(force=True)
        phase = job.phases[0]
        with open(job.out_scores.get_path(), "w") as scores:
            for epoch in range(phase["first_epoch"], phase["last_epoch"] + 1):
                error = 0.5 if epoch == 4 else 10.0 - epoch
                of_data = {"cost:output": 1.0, "error:output": error}
                scores.write(json.dumps({"epoch": epoch, "index": None, "train": of_data, "dev": of_data}) + "\n")
                path = job.out_kept.get_path() + f"/epoch.{epoch:06d}.h5"
                if epoch == phase["last_epoch"]:
                    path = job.out_checkpoint.get_path()
                if epoch != 6:
                    params = {"output/b": np.full(5, epoch, "float32")}
                    Checkpoint(epoch, epoch, 1, None, {}, {}, params, history=[{"epoch": epoch}]).save(path)
    return pipeline


def run(path):
    """:return: the checkpoint at `path`, after running the job that makes it and those that it reads"""
    job = path.creator
    for needed in job._sis_inputs:
        if needed.creator and type(needed.creator).__name__ == "SelectCheckpointsJob":
            run(needed)
    job._sis_setup_directory(force=True)
    job.run()
    return Checkpoint.load(path.get_path())


def test_the_best_checkpoint_is_that_of_the_lowest_score(trained, capsys):
    assert run(trained.best()).epoch == 4
    assert "epoch 4: 0.5 by 'dev_error'" in capsys.readouterr().out
    with open(trained.best().creator.out_selection.get_path()) as file:
        assert json.load(file) == [{"epoch": 4, "score": 0.5}]


def test_averages_of_the_best_and_the_last_and_of_listed_epochs(trained):
    assert run(trained.average(best=2)).params["output/b"][0] == (4 + 8) / 2
    assert run(trained.average(last=2)).params["output/b"][0] == (7 + 8) / 2
    assert run(trained.average(epochs=[8, 7])).epoch == 8


def test_too_few_kept_checkpoints_are_an_error_when_their_scores_are_known(trained):
    from jobs.select_checkpoints import SelectCheckpointsJob

    job = trained.jobs[0]
    chosen = SelectCheckpointsJob(
        kept=[job.out_kept], checkpoints=[job.out_checkpoint], scores=[job.out_scores], by="dev_score", num=3
    )
    chosen._sis_setup_directory(force=True)
    with pytest.raises(
        CheckpointError, match=r"3 checkpoints wanted by 'dev_score' from epoch 1 on, but 2 are kept there"
    ):
        chosen.run()


def test_a_job_that_has_finished_without_keeping_what_is_wanted_now_is_told(tmp_path, monkeypatch, lay_out):
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    last = lay_out().jobs[-1]
    last._sis_setup_directory(force=True)
    (tmp_path / last._sis_path("finished")).touch()
    (tmp_path / last._sis_path("finished.run.1")).touch()
    with pytest.warns(
        UserWarning, match=r"phase.final has finished without keeping the checkpoints of epochs 5, 8; `boulder rerun`"
    ):
        lay_out(keep_epochs=[5])


def test_what_is_kept_reaches_the_worker(lay_out):
    import pickle

    job = lay_out(BEST, num_epochs=11).jobs[-1]
    assert pickle.loads(pickle.dumps(job)).kept == job.kept == Keep((10, 11), 2, 2)


def test_checkpoints_by_time_change_no_job_and_reach_the_worker(lay_out):
    often = lay_out(checkpoint_minutes=5)
    assert [job.checkpoint_minutes for job in often.jobs] == [5, 5]
    assert ids(often) == ids(lay_out())
    with pytest.raises(ConfigError, match="checkpoint_minutes: found 0, expected a positive number or None"):
        lay_out(checkpoint_minutes=0)


def test_options_after_pretraining_leave_its_jobs_as_they_are(lay_out):
    patient = lay_out({"patience": 3, "use_last_best_model": True})
    assert [one == other for one, other in zip(ids(patient), ids(lay_out()), strict=True)] == [True, False]
    assert [job.phases[0].get("pretrain_end") for job in patient.jobs] == [
        None,
        4,
    ]  # the original network repeats twice as well
    with pytest.raises(ConfigError, match="'patience' must be a positive int or None, found 0"):
        lay_out({"patience": 0})


def test_the_last_epochs_of_a_training_that_may_stop_early_are_chosen_when_it_has_ended(lay_out):
    every = {"cleanup_old_models": False}
    assert len(lay_out(every).average(last=2).creator.checkpoints) == 2
    chosen = lay_out({**every, "patience": 3}).average(last=2).creator.checkpoints
    assert {type(path.creator).__name__ for path in chosen} == {"SelectCheckpointsJob"}
