"""`start_from` of a pipeline: the job that makes its first checkpoint, and the training that starts from it."""

import numpy as np
import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import CheckpointError, ConfigError
from boulder.network import describe
from boulder.training import Checkpoint
from boulder.training.starting import starting_checkpoint
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data, monkeypatch, tmp_path):
    from jobs.pipeline import lay_out as lay_out_pipeline
    from sisyphus import gs, tk

    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))

    def lay_out(widths=(4, 6), **other):
        def algo(idx, net_dict):
            return network(1, widths[idx]) if idx < len(widths) else None

        arguments = {
            "network": network(2, 6),
            "pretrain": {"construction_algo": algo, "repetitions": 2, "copy_param_mode": "subset"},
            "num_epochs": 10,
            "config": CONFIG | {"learning_rate": 0.01, "random_seed": 3},
            "extern_data": EXTERN_DATA,
            "train_data": tk.Path(str(data / "train.hdf"), hash_overwrite="train"),
        }
        return lay_out_pipeline("test", **(arguments | other))

    return lay_out


@pytest.fixture
def checkpoint(tmp_path) -> str:
    """:return: checkpoint of a network of width 4 after epoch 2, relative to the work directory"""
    net = network(1, 4)
    options = {"epoch": 2, "phase_start": 1, "index": 0, "random_seed": 8}
    made, _ = starting_checkpoint([], net, describe(net, EXTERN_DATA), **options)
    made.step = 12
    made.save(tmp_path / "old.h5")
    return "old.h5"


def ids(pipeline) -> list[str]:
    return [job.job_id() for job in pipeline.jobs]


def test_without_it_the_jobs_are_the_same_as_ever(lay_out):
    assert ids(lay_out(start_from=None)) == ids(lay_out())


def test_the_first_job_starts_from_a_checkpoint_that_a_job_makes(lay_out, checkpoint):
    pipeline = lay_out(start_from=checkpoint)
    start = pipeline.jobs[0].previous_checkpoint.creator
    assert start.get_aliases() == {"test/start"}
    assert [source["checkpoint"].path for source in start.sources] == ["old.h5"]
    assert (start.epoch, start.phase_start, start.index, start.random_seed) == (0, 1, 0, 3)
    assert start.network == pipeline.jobs[0].phases[0]["network"]
    assert [job.phases[0]["first_epoch"] for job in pipeline.jobs] == [1, 3, 5]
    assert pipeline.rows[0]["growth"] is None


def test_the_path_and_each_option_enter_the_hash(lay_out, checkpoint, tmp_path):
    (tmp_path / "other.h5").write_bytes((tmp_path / checkpoint).read_bytes())
    given = [None, checkpoint, "other.h5", {"checkpoint": checkpoint, "ignore_missing": True}]
    given += [
        {"checkpoint": checkpoint, "ignore_params": ["output/b"]},
        {"checkpoint": checkpoint, "ignore_params_prefixes": ["fw"]},
    ]
    given += [[{"checkpoint": checkpoint}, {"checkpoint": "other.h5"}], {"checkpoint": checkpoint, "epoch": 2}]
    assert len({ids(lay_out(start_from=start))[-1] for start in given}) == len(given)
    defaults = {"checkpoint": checkpoint, "prefix": "", "ignore_params": [], "epoch": 0}
    assert ids(lay_out(start_from=[defaults])) == ids(lay_out(start_from=checkpoint))


def test_training_continues_after_an_epoch(lay_out, checkpoint):
    whole = lay_out()
    within = lay_out(start_from={"checkpoint": checkpoint, "epoch": 1})
    phases = [
        (job.phases[0]["start"], job.phases[0]["first_epoch"], job.phases[0]["last_epoch"]) for job in within.jobs
    ]
    assert phases == [(1, 2, 2), (3, 3, 4), (5, 5, 10)]
    start = within.jobs[0].previous_checkpoint.creator
    assert (start.epoch, start.phase_start, start.network) == (1, 1, whole.jobs[0].phases[0]["network"])
    assert start.sources[0]["keep_step"] is True

    border = lay_out(widths=(5, 4), start_from={"checkpoint": checkpoint, "epoch": 4})
    assert [(row["first_epoch"], row["last_epoch"]) for row in border.rows] == [(5, 10)]
    start = border.jobs[0].previous_checkpoint.creator
    assert (start.epoch, start.phase_start, start.network) == (
        4,
        3,
        lay_out(widths=(5, 4)).jobs[1].phases[0]["network"],
    )


def test_a_checkpoint_of_returnn_is_an_input_by_its_index_file(lay_out, tmp_path):
    from sisyphus import tk

    (tmp_path / "net.pretrain.004.index").touch()
    names = [
        "net.pretrain.004",
        "net.pretrain.004.meta",
        "net.pretrain.004.index",
        "net.pretrain.004.data-00000-of-00001",
    ]

    class OfI6Core:
        index_path = tk.Path("net.pretrain.004.index")

    found = [lay_out(start_from=start) for start in [*names, *map(tk.Path, names), OfI6Core()]]
    inputs = [pipeline.jobs[0].previous_checkpoint.creator.sources[0]["checkpoint"].path for pipeline in found]
    assert set(inputs) == {"net.pretrain.004.index"}
    assert len({pipeline.jobs[0].job_id() for pipeline in found}) == 1
    creator = found[0].jobs[0].previous_checkpoint.creator
    of_job = lay_out(start_from=tk.Path("epoch.012", creator=creator))
    path = of_job.jobs[0].previous_checkpoint.creator.sources[0]["checkpoint"]
    assert (path.path, path.creator) == ("epoch.012.index", creator)


@pytest.mark.parametrize(
    ("start_from", "error", "message"),
    [
        ("none.h5", CheckpointError, r"checkpoint .*/none\.h5: there is no such file, expected a checkpoint of Boulder"),
        ("net.012", CheckpointError, r"checkpoint .*/net\.012\.index: there is no such file"),
        (3, ConfigError, "start_from: 'checkpoint': found 3, expected a path"),
        ([3], ConfigError, "start_from: found 3, expected a dict such as"),
        ({"chekpoint": "a"}, ConfigError, "start_from: there is no option 'chekpoint', only .*; did you mean 'checkpoint'"),
        ({"checkpoint": "old.h5", "epoch": "3"}, ConfigError, "'epoch': found '3', expected a number of epochs, 0 or more"),
        ({"checkpoint": "old.h5", "epoch": -1}, ConfigError, "'epoch': found -1, expected a number of epochs"),
        ({"checkpoint": "old.h5", "epoch": 10}, ConfigError, "found 10, expected at most 9, as the plan has 10 epochs"),
        ({"checkpoint": "old.h5", "epoch": 4}, CheckpointError, r"pipeline 'test': start_from: .*old\.h5: 'fw0/rec/W' has the shape \(4, 24\) in"),
        ({"checkpoint": "old.h5", "prefix": "fw0/"}, CheckpointError, "has no 'rec/W', 'rec/W_re', 'rec/b'; expected all"),
        ([{"checkpoint": "old.h5"}, {"checkpoint": "old.h5", "epoch": 1}], ConfigError, r"start_from\[1\]: 'epoch': found 1 "),
    ],
)  # fmt: skip
def test_a_wrong_starting_point_is_one_line(lay_out, checkpoint, start_from, error, message):
    with pytest.raises(error, match=message):
        lay_out(start_from=start_from)


CONTINUED = """

def from_old(epoch):
    from tests.tiny import network
    lay_out(
        "started", network=network(1, 4), num_epochs=4, config=CONFIG | {"learning_rate": 0.01}, extern_data=EXTERN_DATA,
        train_data=tk.Path("@data@/train.hdf"), start_from={"checkpoint": "old.h5", "epoch": epoch}, rqmt={"cpu": 1, "mem": 1},
    )
    from jobs.pipeline import laid_out_pipelines
    tk.register_output("started/checkpoint.h5", laid_out_pipelines()["started"].checkpoint)
    tk.register_output("started/start.h5", laid_out_pipelines()["started"].jobs[0].previous_checkpoint)
"""


@pytest.mark.slow
def test_a_pipeline_trains_from_it(project, data, tmp_path, checkpoint):
    (project.folder / "old.h5").write_bytes((tmp_path / checkpoint).read_bytes())
    with open(project.folder / "config/tiny.py", "a") as file:
        file.write(CONTINUED.replace("@data@", str(data)))
    code, output = project.run("boulder", "run", "config/tiny.from_old(2)")
    assert code == 0, output
    assert "epoch 3" in output
    assert "epoch 2" not in output
    old, start = Checkpoint.load(tmp_path / checkpoint), Checkpoint.load(project.folder / "output/started/start.h5")
    last = Checkpoint.load(project.folder / "output/started/checkpoint.h5")
    assert (start.epoch, start.step, last.epoch) == (2, 12, 4)
    assert last.step > 12
    for path, value in old.params.items():
        np.testing.assert_array_equal(start.params[path], value)
    [log] = project.folder.glob("work/jobs/import_checkpoint/*/log.run.1")
    assert "output/W ← " in log.read_text()
    code, output = project.run("boulder", "status", "config/tiny.from_old(2)")
    assert code == 0, output
    assert "other jobs: 1 finished" in output


def test_the_best_checkpoint_is_chosen_among_the_remaining_phases(lay_out, checkpoint, data):
    options = CONFIG | {"cleanup_old_models": {"keep_best_n": 1}}
    dev = str(data / "dev.hdf")
    pipeline = lay_out(start_from={"checkpoint": checkpoint, "epoch": 2}, config=options, dev_data=dev)
    chosen = pipeline.best("dev_score").creator
    assert chosen.scores == [job.out_scores for job in pipeline.jobs]
    assert [job.phases[0]["first_epoch"] for job in pipeline.jobs] == [3, 5]
