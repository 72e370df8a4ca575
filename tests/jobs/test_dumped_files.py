"""A file that a phase dumps is an output of its job, and an input of the job of each later phase that reads it."""

from pathlib import Path

import psutil
import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import open_dataset
from boulder.errors import BoulderError
from tests.jobs.conftest import ROOT, Project, make_project, wait_for
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data

DUMP = {"class": "hdf_dump", "from": "output", "filename": "align.{dataset_name}.hdf", "dump_per_run": True,
        "is_output_layer": True}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data):
    """:return: function (dump layer of index 0, what index 1 trains on, further arguments) → pipeline of two indices"""
    from jobs.pipeline import lay_out as lay_out_pipeline

    def laid_out(dump=DUMP, train="align.train.hdf", **arguments):
        def algo(idx, net_dict):
            if idx == 2:
                return None
            overrides = {"#config": {"train": train}} if idx == 1 else {}
            return network(1, 4 + idx) | ({"dump": dump} if idx == 0 and dump else {}) | overrides

        defaults = {
            "network": network(2, 5),
            "pretrain": {"construction_algo": algo, "copy_param_mode": "subset"},
            "config": CONFIG,
            "extern_data": EXTERN_DATA,
            "train_data": str(data / "train.hdf"),
        }
        return lay_out_pipeline("dumps", **(defaults | arguments))

    return laid_out


def test_the_file_is_an_output_of_one_job_and_an_input_of_the_next(lay_out):
    from sisyphus import tk

    pipeline = lay_out()
    first, second, third = pipeline.jobs
    assert first.out_hdf == pipeline.out_hdf == {"align.train.hdf": first.output_path("hdf/align.train.hdf")}
    assert second.phases[0]["train"]["files"] == [first.out_hdf["align.train.hdf"]]
    assert first.out_hdf["align.train.hdf"] in second._sis_inputs
    assert not any(isinstance(path, tk.Path) and path.creator is None for path in second._sis_inputs)
    assert "align" not in repr(third.phases[0]["train"])


def test_two_names_of_one_output_are_an_error():
    from boulder.training.dump_files import DumpPass, by_file

    names = ["data/align.hdf", "/data/align.hdf"]
    passes = [
        DumpPass(layer="dump", file=name, phase=1, epoch=epoch, data="train", extends=False, per_run=True)
        for epoch, name in enumerate(names, 1)
    ]
    with pytest.raises(
        BoulderError, match=r"'/data/align\.hdf' and 'data/align\.hdf' are both data/align\.hdf in the folder"
    ):
        by_file(passes)


def test_the_job_that_reads_depends_on_what_the_one_that_writes_computes(lay_out):
    ids = [job.job_id() for job in lay_out().jobs]
    assert [job.job_id() for job in lay_out().jobs] == ids
    others = [job.job_id() for job in lay_out(config=CONFIG | {"random_seed": 3}).jobs]
    assert not {*ids} & {*others}


def test_phases_that_share_a_job_pass_the_file_within_it(lay_out):
    [job] = lay_out(indices_per_job=None).jobs
    assert [phase["train"]["files"] for phase in job.phases][1] == ["align.train.hdf"]
    assert [*job.out_hdf] == ["align.train.hdf"]


def test_the_network_and_the_data_set_may_name_it_differently(lay_out, data):
    dump = {**DUMP, "filename": lambda epoch, dataset_name: f"./dumps//{dataset_name}-{epoch}.hdf"}
    first, second, _ = lay_out(
        dump, {"class": "HDFDataset", "files": ["dumps/train-1.hdf", str(data / "dev.hdf")]}
    ).jobs
    assert second.phases[0]["train"]["files"][0] == first.out_hdf["dumps/train-1.hdf"]
    assert first.out_hdf["dumps/train-1.hdf"].get_path().endswith("/hdf/dumps/train-1.hdf")


def test_a_phase_that_extends_a_file_reads_that_of_the_job_before(lay_out, data):
    def algo(idx, net_dict):
        if idx == 3:
            return None
        dump = {**DUMP, "filename": "all.hdf", "extend_existing_file": idx > 0}
        return network(1, 4 + idx) | {"dump": dump} | ({"#config": {"train": "all.hdf"}} if idx == 2 else {})

    pipeline = lay_out(pretrain={"construction_algo": algo, "copy_param_mode": "subset"})
    made = pipeline.jobs
    assert ["extended" in job.phases[0] for job in made] == [False, True, True, False]
    assert [job.phases[0]["extended"]["all.hdf"] for job in made[1:3]] == [job.out_hdf["all.hdf"] for job in made[:2]]
    assert made[2].phases[0]["train"]["files"] == [made[1].out_hdf["all.hdf"]]
    assert pipeline.out_hdf == {"all.hdf": made[2].out_hdf["all.hdf"]}


def test_an_extended_training_adds_to_the_file_of_its_phase(lay_out):
    net = network(1, 4) | {"dump": {**DUMP, "filename": "all.hdf", "dump_per_run": False}}
    first, second = lay_out(network=net, pretrain=None, num_epochs=2, further_epochs=[1]).jobs
    assert second.phases[0]["extended"] == {"all.hdf": first.out_hdf["all.hdf"]}


@pytest.mark.parametrize(
    ("dump", "arguments", "message"),
    [
        (None, {}, r"phase 1 \(index 1\): train: .*align.train.hdf: no such file"),
        ({**DUMP, "filename": "x.hdf"}, {"dev_data": "DEV"}, r"index 0: layer 'dump' .*'x.hdf' is written for 'train' in epoch 1, and again for 'dev' in epoch 1; expected \{epoch\}"),
        ({**DUMP, "filename": "{epch}.hdf"}, {}, r"index 0: layer 'dump' .*: 'filename': found 'epch' in it, expected \{epoch\} or \{dataset_name\}"),
        (DUMP, {"train": "align.trian.hdf"}, "phase 1 .*/align.trian.hdf: no such file, .*; an earlier phase writes 'align.train.hdf'$"),
        (DUMP, {"train_data": "align.train.hdf"}, "no such file, .*; 'align.train.hdf' is first written in the phase that starts with epoch 1, expected"),
        ({**DUMP, "filename": ""}, {}, r"layer 'dump' \(hdf_dump\): 'filename': found ''"),
        ({**DUMP, "extend_existing_file": True}, {}, "'extend_existing_file' is True, but there is no 'align.train.hdf'"),
        ({**DUMP, "dump_per_run": False, "filename": lambda **_: "x.hdf"}, {}, "'filename' is a function of the run, expected 'dump_per_run'"),
        ({**DUMP, "dump_whole_batches": True}, {}, "'dump_whole_batches': found True; Boulder writes sequences only"),
        ({**DUMP, "labels": ["a"]}, {}, "'labels': found 1 names, expected 6"),
        ({**DUMP, "extra": {"x": "data:classes"}}, {}, "'extra': 'x' is the data stream .*expected a layer"),
        ({**DUMP, "file": "x"}, {}, r"layer 'dump' \(hdf_dump\).*'file'"),
        (DUMP, {"gpus": 2}, r"layer 'dump' \(hdf_dump\): found gpus=2, nodes=1, expected one of each"),
    ],
)  # fmt: skip
def test_wrong_dumps_are_reported_before_any_job_is_made(lay_out, data, dump, arguments, message, monkeypatch):
    monkeypatch.setattr("jobs.several_gpus.Devices.check_here", lambda self: None)
    arguments = {key: str(data / "dev.hdf") if value == "DEV" else value for key, value in arguments.items()}
    with pytest.raises(BoulderError, match=message) as raised:
        lay_out(dump, **arguments)
    assert "\n" not in str(raised.value)


RETURNN = f"""#!rnn.py
train = {{"class": "HDFDataset", "files": ["@data@/train.hdf"], "seq_ordering": "random"}}
extern_data = {EXTERN_DATA | {"align": {"dim": 6, "sparse": True}}!r}
num_epochs, batch_size, max_seqs, learning_rate = 4, 60, 6, 0.01
optimizer = {{"class": "adam"}}
encoder = {{"class": "linear", "n_out": 5, "from": "data", "activation": "tanh"}}
aligned = {{
    "class": "MetaDataset", "seq_order_control_dataset": "given",
    "datasets": {{"given": train, "aligned": {{"class": "HDFDataset", "files": ["dumps/align.2.train.hdf"]}}}},
    "data_map": {{"data": ("given", "data"), "classes": ("given", "classes"), "align": ("aligned", "data")}}}}
network = {{
    "#config": {{"train": aligned}}, "encoder": encoder,
    "output": {{"class": "softmax", "from": "encoder", "loss": "ce", "target": "align"}}}}

def construction(idx, net_dict):
    if idx == 2:
        return None
    output = {{"class": "softmax", "from": "encoder", "loss": "ctc", "target": "classes"}}
    if idx == 0:
        return {{"encoder": encoder, "output": output}}
    labels = {{"class": "reduce", "mode": "argmax", "axis": "F", "from": "output"}}
    dump = {{"class": "hdf_dump", "from": "labels", "is_output_layer": True, "dump_per_run": True,
            "filename": lambda epoch, dataset_name: f"dumps/align.{{epoch}}.{{dataset_name}}.hdf"}}
    return {{"encoder": encoder, "output": output, "labels": labels, "dump": dump}}

pretrain = {{"construction_algo": construction, "copy_param_mode": "subset"}}
"""
COMMAND = ("boulder", "run", "config/returnn.setup('hard.config', cpu=1)")


def with_config(folder, data) -> Project:
    """:return: a project that trains on hard alignments from epoch 3 on"""
    made = make_project(folder, data, BOULDER_ENGINE="local")
    (made.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
    (made.folder / "hard.config").write_text(RETURNN.replace("@data@", str(data)))
    return made


@pytest.mark.slow
def test_a_returnn_config_trains_on_an_alignment_of_an_earlier_epoch_even_if_it_is_killed(tmp_path, data):
    whole, killed = with_config(tmp_path / "whole", data), with_config(tmp_path / "killed", data)
    code, output = whole.run(*COMMAND)
    assert code == 0, output
    align = "output/hard/hdf/dumps/align.2.train.hdf"
    with open_dataset(whole.folder / align) as dataset:
        assert dataset.num_seqs == 30

    process = killed.start(*COMMAND)
    wait_for(lambda: list(killed.folder.glob("work/jobs/*/*/work/dumps/spools/*.rows")))
    for worker in psutil.process_iter(["cmdline", "cwd"]):
        inside = Path(worker.info["cwd"] or "/").is_relative_to(killed.folder.resolve())
        if inside and "worker" in (worker.info["cmdline"] or ()):
            worker.kill()
    killed.stop(process)
    assert not (killed.folder / "output/hard/checkpoint.h5").exists()
    code, output = killed.run(*COMMAND)
    assert code == 0, output
    assert (killed.folder / align).read_bytes() == (whole.folder / align).read_bytes()
    assert killed.checkpoint("hard") == whole.checkpoint("hard")
