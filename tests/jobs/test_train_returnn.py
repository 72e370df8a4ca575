"""`train_returnn` takes a RETURNN config in the forms of Sisyphus set-ups, and hashes what changes the result."""

import json
import re

import numpy as np
import pytest

from boulder.data import HdfWriter
from boulder.errors import ConfigError, NotYetKnown
from boulder.returnn import load_config
from jobs.train_returnn import train_returnn
from sisyphus import Job, Task, tk
from tests.jobs.set_up.recipe.ours.config_object import CodeWrapper, ReturnnConfig

pytestmark = pytest.mark.filterwarnings("ignore:.*is laid out twice")  # for several devices in one process
EVAL = "self.network.get_config().typed_value('transform')(source(0, as_data=True), network=self.network)"


class DataJob(Job):
    """Not run here: only its outputs matter."""

    def __init__(self, number):
        self.out_hdf, self.out_dim = self.output_path("data.hdf"), self.output_var("dim")

    def tasks(self):
        yield Task("run")


class Checkpoint:
    """With the attributes of i6_core's."""

    def __init__(self, index_path):
        self.index_path = index_path

    def exists(self):
        return False


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def transform(x, network):
    return network.cond_on_train(lambda: x.placeholder * 0.5, lambda: x.placeholder)


def network(width=6):
    return {
        "augmented": {"class": "eval", "from": "data", "eval": EVAL},
        "hidden": {"class": "linear", "activation": "tanh", "n_out": width, "from": "augmented"},
        "output": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "classes"},
    }


def options(**changes):
    values = {
        "extern_data": {"data": {"dim": 5}, "classes": {"dim": 2, "sparse": True}},
        "train": {"class": "HDFDataset", "files": [DataJob(1).out_hdf], "seq_ordering": "laplace:.100"},
        "dev": {"class": "HDFDataset", "files": [DataJob(9).out_hdf]},
        "optimizer": {"class": "adam"},
        "learning_rate": 0.01,
        "batch_size": 100,
        "max_seqs": 10,
        "network": network(),
    } | changes
    return {key: value for key, value in values.items() if value is not None}


def config(post_config=None, staged=None, prolog=transform, epilog="", **changes):
    if staged:
        changes["network"] = None
    return ReturnnConfig(options(**changes), post_config, staged, python_prolog=prolog, python_epilog=epilog)


def ids(returnn_config, num_epochs=4, **arguments):
    training = train_returnn(returnn_config, num_epochs=num_epochs, device="cpu", **arguments)
    return [job.job_id() for job in training.pipeline.jobs]


STAGED = {1: network(3), 3: network(6)}


def test_the_forms_of_a_config_are_the_same_training(tmp_path):
    with HdfWriter(tmp_path / "data.hdf", options()["extern_data"]) as writer:
        writer.write("one", {"data": np.ones([3, 5], "float32"), "classes": np.zeros(3, "int32")})
    data = {"class": "HDFDataset", "files": [tk.Path(str(tmp_path / "data.hdf"))]}
    given = config(train=data, dev=data, staged=STAGED)
    expected = ids(given)
    file = tmp_path / "written.config"
    file.write_text(train_returnn(given, num_epochs=4).config_text)
    assert ids(file) == ids(str(file)) == ids(tk.Path(str(file))) == expected
    assert ids(given, name="of/another") == expected
    assert ids(options() | {"transform": transform}) == ids(config())


@pytest.mark.parametrize(
    ("name", "begin"), [("a.json", ""), ("a.py", "# Python\nx = "), ("a.config", "#!rnn.py\nx = ")]
)
def test_the_written_config_is_one_of_python_with_the_arguments(tmp_path, name, begin):
    plain = options(network={"output": {"class": "softmax", "from": "data", "loss": "ce"}}, num_epochs=9)
    plain |= {"train": {"class": "HDFDataset", "files": ["train.hdf"]}, "dev": None}
    text = begin + json.dumps(plain).replace("null", "{}") + ("\nglobals().update(x)\n" if "x = " in begin else "")
    (tmp_path / name).write_text(text.replace("true", "True") if "x = " in begin else text)
    with HdfWriter(tmp_path / "train.hdf", plain["extern_data"]) as writer:
        writer.write("one", {"data": np.ones([3, 5], "float32"), "classes": np.zeros(3, "int32")})
    training = train_returnn(name, num_epochs=4, keep_epochs=[1], device="cpu")
    (tmp_path / "written.config").write_text(training.config_text)
    written = load_config(tmp_path / "written.config")
    assert (written.num_epochs, written.values["cleanup_old_models"]) == (4, {"keep": [1]})
    assert ids("written.config") == [job.job_id() for job in training.pipeline.jobs]


@pytest.mark.parametrize(
    "same",
    [
        config(prolog=["import numpy", [transform]], learning_rate=CodeWrapper("numpy.float64(0.02) / 2")),
        config(prolog={"one": transform, "two": None}),
        config(learning_rate=None, epilog="learning_rate = 0.01"),
        config(learning_rate=None, post_config={"learning_rate": 0.01}),
        config({"log_verbosity": 5, "tf_log_memory_usage": True, "model": "elsewhere"}),
        config(train=options()["train"] | {"use_cache_manager": True, "name": "train"}),
        config(extern_data={"data": {"dim": 5}, "classes": {"dim": 2, "sparse": True, "vocab": {"file": DataJob(2).out_hdf}}}),
        config(unused={"anything": [1]}, epilog="def unused_function(): return 1"),
    ],
)  # fmt: skip
def test_what_does_not_change_the_numbers_does_not_enter_the_hash(same):
    assert ids(same) == ids(config())


@pytest.mark.parametrize(
    "other",
    [
        config(prolog="def transform(x, network): return x.placeholder"),
        config({"gradient_clip": 1.0}),
        config(batch_size=50),
        config(train=options()["train"] | {"seq_ordering": "random"}),
        config(train=options()["train"] | {"files": [DataJob(2).out_hdf]}),
        config(network=network(7)),
        config(epilog="network['hidden']['n_out'] = 7"),
    ],
)
def test_what_changes_the_numbers_enters_the_hash(other):
    assert not set(ids(other)) & set(ids(config()))


def test_networks_by_epoch_are_net_dicts_or_code():
    as_code = {epoch: f"width = {net['hidden']['n_out']}\nnetwork = {net!r}" for epoch, net in STAGED.items()}
    expected = ids(config(staged=STAGED))
    assert len(expected) == 2
    assert ids(config(staged=as_code)) == expected
    assert ids(config(staged=STAGED), num_epochs=6)[:1] == expected[:1]
    assert ids(config(staged={**STAGED, 3: network(7)}))[0] == expected[0]


def test_a_job_that_makes_data_is_an_input_of_the_training():
    (job,) = train_returnn(config(), num_epochs=4).pipeline.jobs
    assert DataJob(1) in [path.creator for path in job._sis_inputs]


def test_a_checkpoint_of_a_job_is_where_the_training_starts():
    start = Checkpoint(DataJob(5).out_hdf)
    (job,) = train_returnn(config(import_model_train_epoch1=start), num_epochs=4).pipeline.jobs
    made = job.previous_checkpoint.creator
    assert DataJob(5) in [path.creator for path in made._sis_inputs]


def test_values_of_variables_are_used_and_those_without_a_value_refused(tmp_path):
    job = DataJob(3)
    with pytest.raises(NotYetKnown, match=r"^config/batch_size waits for .* of the job "):
        ids(config(batch_size=job.out_dim))
    known = tk.Variable(str(tmp_path / "known"))
    known.set(50)
    assert ids(config(batch_size=known * 2)) == ids(config())


def test_requirements_are_those_of_a_node():
    def rqmt(**arguments):
        job = train_returnn(config(), num_epochs=1, time_rqmt=9, mem_rqmt=3, cpu_rqmt=2, **arguments).pipeline.jobs[0]
        return {key: job.rqmt[key] for key in ("gpu", "cpu", "mem", "time")}, job.gpus, job.nodes

    assert rqmt() == ({"gpu": 1, "cpu": 2, "mem": 3, "time": 9}, 1, 1)
    assert rqmt(horovod_num_processes=4) == ({"gpu": 4, "cpu": 8, "mem": 12, "time": 9}, 4, 1)
    assert rqmt(horovod_num_processes=4, multi_node_slots=2) == ({"gpu": 2, "cpu": 4, "mem": 6, "time": 9}, 2, 2)


def test_outputs_have_the_names_of_the_field():
    training = train_returnn(config(staged=STAGED), num_epochs=4, device="cpu", log_verbosity=5, returnn_root=None)
    training.add_alias("my/train")
    assert [sorted(job.get_aliases())[0] for job in training.pipeline.jobs] == [
        "my/train/phase.00",
        "my/train/phase.01",
    ]
    assert training.out_checkpoints[4] == training.pipeline.checkpoint
    assert training.out_returnn_config_file.rel_path().endswith("output/returnn.config")
    assert training.out_plot_se.creator is training.out_plot_lr.creator
    with pytest.raises(AttributeError, match=r"has no 'out_models', expected one of add_alias, .*out_checkpoints"):
        training.out_models  # noqa: B018


def test_numbers_of_numpy_are_written_as_those_of_python():
    rates = {"learning_rates": list(np.linspace(0.5, 1, 2)), "batch_size": np.int64(9), "unused": np.arange(2)}
    text = train_returnn(config(**rates), num_epochs=np.int64(4), keep_epochs=[np.int64(2)]).config_text
    for line in ("learning_rates = [0.5, 1.0]", "batch_size = 9", "unused = [0, 1]", "num_epochs = 4"):
        assert line in text.splitlines()
    assert text.endswith("cleanup_old_models = {'keep': [2]}\n")


@pytest.mark.parametrize(
    ("cleanup", "written"),
    [
        (None, "{'keep': [2, 4]}"),
        (True, "{'keep': [2, 4]}"),
        ({"keep_last_n": 2}, "{'keep_last_n': 2, 'keep': [2, 4]}"),
    ],
)
def test_kept_epochs_are_added_to_those_of_the_config(cleanup, written):
    training = train_returnn(
        config({"cleanup_old_models": cleanup} if cleanup else {}), num_epochs=4, keep_epochs=[4, 2]
    )
    assert training.config_text.endswith(f"\ncleanup_old_models = {written}\n")


def test_checkpoints_are_kept_as_asked():
    sizes = iter(range(60, 70))  # of batches: trainings that share a job keep what either wants

    def kept(post_config=None, **arguments):
        given = config(post_config, staged=STAGED, batch_size=next(sizes))
        return sorted(train_returnn(given, num_epochs=6, device="cpu", **arguments).out_checkpoints)

    assert kept() == [1, 2, 3, 4, 5, 6]  # as RETURNN without cleanup_old_models
    assert kept(save_interval=4) == [2, 4, 6]
    assert (
        kept(keep_epochs=[4]) == kept({"cleanup_old_models": {"keep": [4]}}) == [2, 4, 5, 6]
    )  # and the last two, RETURNN's default


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        (3, {}, "found 3, expected the path of a RETURNN config, a dict of options, or an object"),
        (config(), {"mem_rqmnt": 3}, "there is no argument 'mem_rqmnt'; did you mean 'mem_rqmt'?"),
        (config(), {"device": "tpu"}, "device: found 'tpu', expected 'gpu' or 'cpu'"),
        (config(), {"device": "cpu", "horovod_num_processes": 2}, "found 2 with device='cpu'"),
        (config(), {"horovod_num_processes": 3, "multi_node_slots": 2}, "found 3, expected a multiple of"),
        (config({"cleanup_old_models": False}), {"keep_epochs": [1]}, "keep_epochs: found 'cleanup_old_models' = False"),
        (config({"batch_size": 3}), {}, "found 'batch_size' in `config` and in `post_config`"),
        (config(prolog=3), {}, "python_prolog: found 3, expected a text, a function"),
        (config(prolog="import numpy\nx = y"), {}, "python_prolog, line 2: NameError: name 'y' is not defined"),
        (config(batch_size=CodeWrapper("x + 1")), {}, "'batch_size': 'x + 1': NameError"),
        (config(staged={2: network()}), {}, "staged_network_dict: found first epochs [2]"),
        (config(staged={1: 3}), {}, "staged_network_dict[1]: found 3, expected a net dict"),
        (config(network=network() | {"more": {"class": "copy", "from": "data", "file": DataJob(1).out_hdf}}), {},
         "network of epoch 1/more/file: found <Path"),
        (config(prolog=None), {}, "'eval' asks for the option 'transform', which the config lacks"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(given, arguments, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        train_returnn(given, num_epochs=2, **arguments)
    assert "\n" not in str(caught.value).strip()


def test_jobs_wait_for_the_files_that_a_function_of_the_config_reads():
    def waits(**changes) -> bool:
        training = train_returnn(config(batch_size=123, **changes), num_epochs=2, device="cpu")
        return all(DataJob(3).out_hdf in job._sis_inputs for job in training.pipeline.jobs)

    reads = """
def transform(x, network):
    network.get_config().typed_value("masks")["file"]
    return x.placeholder
"""
    assert waits(prolog=reads, masks={"file": DataJob(3).out_hdf})
    assert not waits(prolog=reads, masks={"file": "masks.hdf"})
