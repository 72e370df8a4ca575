"""The jobs of a config's tasks, laid out by config/returnn.py and run in this process, from a checkpoint that is not trained."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import HdfWriter, open_dataset
from boulder.errors import BoulderError
from boulder.network import describe
from boulder.search.hypotheses import read_hypotheses
from boulder.training.starting import starting_checkpoint

EXTERN_DATA = {"data": {"dim": 6, "sparse": True}, "classes": {"dim": 5, "sparse": True}}
NETWORK = {
    "embedding": {"class": "linear", "activation": None, "from": "data", "n_out": 4},
    "fw": {"class": "rec", "unit": "nativelstm2", "from": "embedding", "n_out": 6},
    "output": {"class": "softmax", "from": "fw", "loss": "ctc"},
}
CONFIG = f"""#!rnn.py
task = "search"
load = "start.h5"
dev = {{"class": "HDFDataset", "files": ["dev.hdf"], "partition_epoch": 2, "seq_list_filter_file": "tags"}}
extern_data = {EXTERN_DATA!r}
extern_data["classes"]["vocab"] = {{"vocab_file": "letters", "bpe_file": "codes"}}
batch_size = {{"data": 30, "classes": 30}}
network = {NETWORK!r}
"""
LENGTHS = {"dev/r/c": 4, "dev/r/left-out": 3, "dev/r/a": 6, "dev/r/b": 2}
JOBS = {"import_checkpoint", "returnn_search", "references", "words", "word_scoring"}
USED = ["dev/r/c", "dev/r/a", "dev/r/b"]
CORPUS = """<corpus name="dev"><recording name="r" audio="r.wav">
<segment name="c" start="0" end="2"><orth> xy zzz </orth></segment>
<segment name="a" start="2" end="3"><orth> </orth></segment>
<segment name="b" start="3" end="4"><orth> xy </orth></segment>
</recording></corpus>"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """:return: working folder with a config, its data and a checkpoint"""
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    for module in ("import_checkpoint", "network_pass"):  # TensorFlow cannot change the number in one process
        monkeypatch.setattr(f"jobs.{module}.limit_threads", lambda rqmt: None)
    random = np.random.default_rng(1)
    with HdfWriter("dev.hdf", EXTERN_DATA) as writer:
        for tag, length in LENGTHS.items():
            labels = random.permutation(5)[: length // 2].astype("int32")
            writer.write(tag, {"data": random.integers(0, 6, length), "classes": labels})
    (tmp_path / "tags").write_text("".join(f"{tag}\n" for tag in USED))
    (tmp_path / "letters").write_text("x@@\ny\nz@@\nzz\nx\n")
    (tmp_path / "my.config").write_text(CONFIG)
    made, _ = starting_checkpoint(
        [], NETWORK, describe(NETWORK, EXTERN_DATA), epoch=3, phase_start=1, index=None, random_seed=4
    )
    made.save("start.h5")
    return tmp_path


def run(*created):
    """Runs jobs in this process, after those that they depend on."""
    done = set()

    def of(job):
        if job in done:
            return
        for path in sorted(job._sis_inputs, key=str):
            if path.creator:
                of(path.creator)
        job._sis_setup_directory()
        job.run()
        done.add(job)

    for job in created:
        of(job)


def text(path) -> str:
    return Path(path.get_path()).read_text()


def test_words_are_decoded_and_scored_without_training(folder):
    from config.returnn import search

    scoring = search("my.config")
    run(scoring)
    assert {folder.name for folder in folder.glob("work/jobs/*")} == JOBS
    assert list(read_hypotheses(scoring.hypotheses.get_path())) == USED
    assert "@@" not in text(scoring.out_references_trn)
    examples = json.loads(text(scoring.out_words))
    assert [example["word"] for example in examples] == USED
    rates = json.loads(text(scoring.out_rates))
    assert rates["name"] == "dev"
    assert rates["sequences"] == 3
    assert scoring.out_wer.get() == rates["wer"]


def test_a_corpus_gives_references_and_times(folder):
    from config.returnn import search

    (folder / "corpus.xml").write_text(CORPUS)
    scoring = search("my.config", corpus="corpus.xml", remove=["x"])
    run(scoring)
    stm = text(scoring.out_stm).splitlines()
    assert stm == ["r 1 unknown 0.000 2.000 xy zzz", "r 1 unknown 2.000 3.000 ", "r 1 unknown 3.000 4.000 xy"]
    words = [line.split() for line in text(scoring.out_ctm).splitlines()]
    assert all(0 <= float(start) < 4 for _, _, start, _, _ in words)


def test_phonemes_are_looked_up_in_a_lexicon(folder):
    from config.returnn import search

    (folder / "letters").write_text("A\nB#\n#\nC\nD#\n")
    (folder / "lexicon").write_text("ab A B\nad A D\nd D\n")
    scoring = search("my.config", lexicon="lexicon")
    run(scoring)
    words = {word for line in text(scoring.out_references_trn).splitlines() for word in line.split(" (")[0].split()}
    assert words <= {"ab", "ad", "d", "<unk>"}


@pytest.mark.sclite
def test_sclite_and_boulder_report_the_same(folder, monkeypatch):
    from config.returnn import search

    scoring = search("my.config")
    run(scoring)
    by_sclite = text(scoring.out_summary)
    monkeypatch.setenv("PATH", "")
    scoring.run()
    by_boulder = text(scoring.out_summary)
    assert by_sclite.replace("sclite", "Boulder") == by_boulder


def test_forwarded_layers_and_priors_are_those_of_the_whole_data_set(folder):
    from config.returnn import forward, prior

    forwarded = forward("my.config", layers={"data": "output", "letters": "data:data"})
    priors = prior("my.config", data="dev")
    run(forwarded, priors)
    streams = {"data": {"dim": 6}, "letters": EXTERN_DATA["data"]}
    with open_dataset(forwarded.out_hdf.get_path(), streams) as dataset:
        assert dataset.tags(range(dataset.num_seqs)) == USED
        sequences = dataset.read_many(range(3))
    assert [len(sequence["data"]) for sequence in sequences] == [LENGTHS[tag] for tag in USED]
    mean = np.concatenate([sequence["data"] for sequence in sequences]).mean(axis=0)
    np.testing.assert_allclose(np.exp(np.loadtxt(priors.out_prior_txt_file.get_path())), mean, rtol=1e-5)


def test_an_alignment_is_the_data_of_another_job(folder):
    from jobs.ctc_alignment import CtcAlignmentJob
    from jobs.prior import PriorJob
    from sisyphus import tk

    alignment = CtcAlignmentJob(
        checkpoint=tk.Path("start.h5"),
        extern_data=EXTERN_DATA,
        data=[tk.Path("dev.hdf")],
        stream="classes",
        layers={"data": "data:data"},
    )
    prior = PriorJob(
        checkpoint=tk.Path("start.h5"),
        extern_data=EXTERN_DATA | {"classes": {"dim": 6, "sparse": True}},
        data=alignment.out_hdf,
        output_layer="aligned",
        network={"aligned": {"class": "copy", "from": "data:classes", "is_output_layer": True}},
    )
    run(prior)
    classes = np.exp(np.loadtxt(prior.out_prior_txt_file.get_path()))
    assert len(classes) == 6
    frames, labels = sum(LENGTHS.values()), sum(length // 2 for length in LENGTHS.values())
    assert 0 < classes[5] <= 1 - labels / frames + 1e-9


def test_the_hash_of_a_task_says_what_it_computes(folder):
    from jobs.forward import ForwardJob
    from sisyphus import tk

    arguments = {
        "checkpoint": tk.Path("start.h5"),
        "extern_data": EXTERN_DATA,
        "data": {"class": "HDFDataset", "files": ["dev.hdf"]},
    }
    same = [
        {"rqmt": {"mem": 9}},
        {"functions": {"x": {}}},
        {"network": None, "max_seqs": None, "search": False},
        {"data": arguments["data"] | {"seq_ordering": "sorted", "partition_epoch": 3}},
    ]
    first = ForwardJob(**arguments).job_id()
    assert {ForwardJob(**arguments | other).job_id() for other in same} == {first}
    others = [
        {"layers": "fw"},
        {"network": NETWORK},
        {"search": True},
        {"data": [tk.Path("other.hdf")]},
        {"labels": {"data": ["a"] * 6}},
    ]
    assert len({first, *(ForwardJob(**arguments | other).job_id() for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": "pbe"}, "units: found 'pbe', expected .*; did you mean 'bpe'"),
        ({"units": "phonemes"}, "units: found 'phonemes' with no lexicon"),
        (
            {"data": "test"},
            r"my\.config: 'search_data': found 'test', which is no data set of the config, expected dev",
        ),
        ({"checkpoint": "missing.h5"}, r"missing\.h5: there is no such file"),
        ({"lexicon": "missing.txt"}, r"lexicon: found 'missing\.txt', expected a file that exists"),
        ({"corpus": "missing.xml"}, r"corpus: found 'missing\.xml', expected a file that exists"),
    ],
)
def test_a_wrong_argument_is_reported_before_the_first_job(folder, arguments, message):
    from config.returnn import search

    with pytest.raises(BoulderError, match=message):
        search("my.config", **arguments)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("ouput", r"my\.config: there is no layer 'ouput'; did you mean 'output'"),
        ({"data": "fwd"}, r"my\.config: there is no layer 'fwd'; did you mean 'fw'"),
        (["fw"], r"layers: found \['fw'\], expected the name of a layer, or a dict"),
    ],
)
def test_layers_to_forward_are_checked_before_the_first_job(folder, layers, message):
    from config.returnn import forward

    with pytest.raises(BoulderError, match=message):
        forward("my.config", layers=layers)


def test_a_checkpoint_that_is_named_has_the_epoch_of_its_name(folder):
    from boulder.returnn import load_config
    from boulder.returnn.tasks import task_network

    (folder / "my.config").write_text(CONFIG + "load_epoch = 5\n")
    config = load_config("my.config")
    assert task_network(config).epoch == 5
    assert task_network(config, checkpoint=str(folder / "net.pretrain.003")).epoch == 3


def test_after_a_training_other_tasks_preload_their_files_as_well(folder, monkeypatch):
    import config.returnn
    from sisyphus import tk

    training = SimpleNamespace(
        plan=SimpleNamespace(phases=[SimpleNamespace(network=NETWORK)]), checkpoint=tk.Path("trained.h5"), functions={}
    )
    (folder / "trained.h5").write_bytes((folder / "start.h5").read_bytes())
    monkeypatch.setattr(config.returnn, "trained", lambda *args, **kwargs: training)
    without_load = CONFIG.replace('load = "start.h5"', "")
    (folder / "my.config").write_text(without_load)
    assert config.returnn.forward("my.config").checkpoint == training.checkpoint
    entry = {"lm": {"filename": "start.h5"}, "old": {"filename": "old.h5", "init_for_train": True}}
    (folder / "my.config").write_text(f"{without_load}\npreload_from_files = {entry}\n")
    made = config.returnn.forward("my.config").checkpoint.creator
    found = [source["checkpoint"].path.rpartition("/")[2] for source in made.sources]
    assert found == ["start.h5", "trained.h5"]


def test_a_checkpoint_that_does_not_fit_is_reported_before_the_first_job(folder):
    from config.returnn import search

    (folder / "my.config").write_text(CONFIG + "network['fw']['n_out'] = 7\n")
    with pytest.raises(
        BoulderError, match=r"my\.config: .*'fw/rec/W' has the shape \(4, 28\) in the network and \(4, 24\)"
    ):
        search("my.config")
