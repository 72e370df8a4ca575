"""Data sets in `lay_out`: descriptions and paths, data that changes with the phase, and wrong descriptions."""

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import HdfWriter
from boulder.errors import BoulderError, ConfigError, DataError
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data):
    """:return: function (`#config` of index 1, further arguments) → pipeline of two indices and the original network"""
    from jobs.pipeline import lay_out as lay_out_pipeline
    from sisyphus import tk

    def laid_out(overrides=None, **arguments):
        def algo(idx, net_dict):
            if idx == 2:
                return None
            return network(1, 4 + idx) | ({"#config": overrides} if idx == 1 and overrides is not None else {})

        defaults = {
            "network": network(2, 5),
            "pretrain": {"construction_algo": algo, "copy_param_mode": "subset"},
            "config": CONFIG,
            "extern_data": EXTERN_DATA,
            "train_data": tk.Path(str(data / "train.hdf")),
            "dev_data": [tk.Path(str(data / "dev.hdf"))],
        }
        return lay_out_pipeline("data", **(defaults | arguments))

    return laid_out


def ids(pipeline) -> list[str]:
    return [job.job_id() for job in pipeline.jobs]


def files(phase: dict, key: str) -> list[str]:
    return [path.get_path().rpartition("/")[2] for path in phase[key]["files"]]


def test_a_path_and_its_description_are_the_same_job(lay_out, data):
    from sisyphus import tk

    described = {"class": "HDFDataset", "files": [tk.Path(str(data / "train.hdf"))]}
    once = ids(lay_out())
    assert ids(lay_out(train_data=described)) == once
    assert ids(lay_out(train_data=str(data / "train.hdf"))) == once
    assert ids(lay_out(train_data={**described, "seq_ordering": None})) == once
    assert ids(lay_out(train_data={**described, "seq_ordering": "reverse"}))[0] != once[0]


def test_config_of_an_index_changes_the_data_of_its_phase_and_only_the_jobs_from_there_on(lay_out, data):
    pipeline = lay_out({"train": str(data / "dev.hdf"), "dev": None})
    phases = [job.phases[0] for job in pipeline.jobs]
    assert [files(phase, "train") for phase in phases] == [["train.hdf"], ["dev.hdf"], ["train.hdf"]]
    assert ["dev" in phase for phase in phases] == [True, False, True]
    assert not any({"train", "dev"} & phase["config"].keys() for phase in phases)
    same = [one == other for one, other in zip(ids(pipeline), ids(lay_out()), strict=True)]
    assert same == [True, False, False]


def test_the_files_of_each_phase_are_inputs_of_its_job(lay_out, data):
    from jobs.phase_training import PhaseTrainingJob
    from sisyphus import tk

    made = lay_out().jobs[0]
    dumped = {"class": "HDFDataset", "files": [made.out_scores]}
    pipeline = lay_out({"train": dumped})
    assert made.out_scores in pipeline.jobs[1]._sis_inputs
    assert isinstance(pipeline.jobs[1], PhaseTrainingJob)
    assert tk.Path(str(data / "train.hdf")) in pipeline.jobs[0]._sis_inputs


def test_further_data_sets_to_score_are_added_and_replaced_by_an_index(lay_out, data):
    train, dev = str(data / "train.hdf"), str(data / "dev.hdf")
    pipeline = lay_out({"eval": train, "eval_datasets": {"more": train}}, eval_data={"eval": dev, "devtrain": train})
    sets = [
        {n: files(p["eval_datasets"], n)[0] for n in p["eval_datasets"]} for p in (j.phases[0] for j in pipeline.jobs)
    ]
    common = {"eval": "dev.hdf", "devtrain": "train.hdf"}
    assert sets == [common, {"eval": "train.hdf", "devtrain": "train.hdf", "more": "train.hdf"}, common]
    assert ids(pipeline)[0] != ids(lay_out())[0]
    assert ids(lay_out(eval_data={})) == ids(lay_out(eval_data={"eval": []})) == ids(lay_out())
    assert "eval_datasets" not in lay_out().jobs[0].phases[0]


def test_the_score_of_a_further_data_set_may_decide_the_learning_rate(lay_out, data):
    config = CONFIG | {"learning_rate_control": "newbob", "learning_rate_control_error_measure": "devtrain_error"}
    lay_out(config=config, eval_data={"devtrain": str(data / "train.hdf")})
    with pytest.raises(
        ConfigError, match=r"'devtrain_error', which no phase computes, .*; did you mean 'devtran_error'"
    ):
        lay_out(config=config, eval_data={"devtran": str(data / "train.hdf")})


@pytest.mark.parametrize(
    ("overrides", "arguments", "message"),
    [
        ({}, {"eval_data": "/no/eval.hdf"}, "pipeline 'data': eval_data: found '/no/eval.hdf', expected a dict: name → data"),
        ({}, {"eval_data": {"a b": "/no/eval.hdf"}}, "pipeline 'data': eval_data: found the name 'a b', expected a word"),
        ({}, {"eval_data": {"dev": "/no/eval.hdf"}}, "eval_data: 'dev' is the name of other data; expected as the argument 'dev_data='"),
        ({}, {"eval_data": {"eval": "/no/eval.hdf"}}, "^pipeline 'data': eval_data: eval: /no/eval.hdf: no such file"),
        ({}, {"eval_data": {"eval": {"class": "HDFDatset"}}}, "pipeline 'data': eval_data: eval: unknown data set class 'HDFDatset'"),
        ({}, {"config": {"eval_datasets": {}}}, "'eval_datasets' is no option of the training; expected as the argument 'eval_data='"),
        ({"eval": "/no/eval.hdf"}, {}, r"phase 1 \(index 1\): eval: /no/eval.hdf: no such file"),
        ({"eval_datasets": ["a.hdf"]}, {}, r"phase 1 \(index 1\): config: eval_datasets: found .* expected a dict: name → data"),
        ({"eval_datasets": {"a": {"class": "HDFDatset"}}}, {}, r"phase 1 \(index 1\): eval_datasets: a: unknown data set class"),
        ({}, {"train_data": {"class": "HDFDatset"}}, "pipeline 'data': train_data: unknown data set class 'HDFDatset', .*'HDFDataset'"),
        ({}, {"dev_data": {"class": "HDFDataset", "fils": []}}, "pipeline 'data': dev_data: HDFDataset has no option 'fils', .*'files'"),
        ({}, {"train_data": []}, "pipeline 'data': train_data: HDFDataset: files: found none, expected at least one"),
        ({}, {"train_data": "/no/train.hdf"}, "^pipeline 'data': train_data: /no/train.hdf: no such file"),
        ({"train": {"class": "HDFDatset"}}, {}, r"phase 1 \(index 1\): train: unknown data set class 'HDFDatset'"),
        ({"dev": "/no/dev.hdf"}, {}, r"phase 1 \(index 1\): dev: /no/dev.hdf: no such file"),
        ({"train": None}, {}, r"phase 1 \(index 1\): train: found None, expected a path"),
        ({"trian": "a.hdf"}, {}, r"phase 1 \(index 1\): .*'trian'; did you mean 'train'"),
    ],
)  # fmt: skip
def test_wrong_data_is_reported_before_any_job_is_made(lay_out, overrides, arguments, message):
    with pytest.raises(BoulderError, match=message) as raised:
        lay_out(overrides, **arguments)
    assert "\n" not in str(raised.value)


def test_order_by_must_be_a_stream(lay_out, data):
    description = {"class": "HDFDataset", "files": [str(data / "train.hdf")], "order_by": "clases"}
    with pytest.raises(
        DataError,
        match=r"pipeline 'data': train_data: order_by: found no stream 'clases' in extern_data, .*; did you mean 'classes'",
    ):
        lay_out(train_data=description)
    with pytest.raises(DataError, match=r"phase 1 \(index 1\): train: order_by: found no stream 'clases'"):
        lay_out({"train": description})


def test_the_order_of_data_to_score_or_to_search_changes_no_job(lay_out, data):
    from jobs.ctc_search import CtcSearchJob
    from sisyphus import tk

    dev = {"class": "HDFDataset", "files": [str(data / "dev.hdf")]}
    ordered = {**dev, "seq_ordering": "random", "order_by": "classes"}
    assert ids(lay_out(dev_data=ordered)) == ids(lay_out())
    assert ids(lay_out({"dev": ordered})) == ids(lay_out({"dev": dev}))
    one, other = [CtcSearchJob(checkpoint=tk.Path("a.h5"), extern_data=EXTERN_DATA, data=d) for d in (dev, ordered)]
    assert one.job_id() == other.job_id()


def test_an_empty_data_set_is_reported(lay_out, tmp_path):
    with HdfWriter(tmp_path / "empty.hdf", EXTERN_DATA):
        pass
    with pytest.raises(DataError, match=r"pipeline 'data': dev_data: .*empty.hdf: found no sequences"):
        lay_out(dev_data=tmp_path / "empty.hdf")


@pytest.mark.parametrize(
    ("batch_size", "message"),
    [
        ({"dta": 5000}, "batch_size: found stream 'dta', expected data, classes; did you mean 'data'"),
        ({}, "batch_size: found no stream to limit"),
    ],
)
def test_a_wrong_batch_size_is_reported(lay_out, batch_size, message):
    with pytest.raises(BoulderError, match=rf"phase 1 \(index 1\): {message}"):
        lay_out({"batch_size": batch_size})
    with pytest.raises(BoulderError, match=rf"phase 0 \(index 0\): {message}"):
        lay_out(config=CONFIG | {"batch_size": batch_size})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_dta": "a.hdf"}, "pipeline 'data': there is no argument 'train_dta'; did you mean 'train_data'"),
        ({"plan": object()}, "pipeline 'data': needs either 'network' .* or 'plan'"),
        ({"indices_per_job": 0}, "indices_per_job must be a positive int or None, found 0"),
    ],
)
def test_wrong_arguments_are_reported(lay_out, arguments, message):
    with pytest.raises(ConfigError, match=message):
        lay_out(**arguments)


def test_a_missing_argument_is_reported():
    from jobs.pipeline import lay_out

    with pytest.raises(ConfigError, match="pipeline 'x': needs the argument 'extern_data'"):
        lay_out("x", network={}, config={}, train_data="a.hdf")
