"""Files of the tasks `search`, `forward` and `compute_priors` are RETURNN's, from equal parameters and data."""

from types import SimpleNamespace
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.network import describe
from boulder.search.data_pass import DataPass
from boulder.search.forward import forward_to_hdf
from boulder.search.hypotheses import read_hypotheses, write_hypotheses
from boulder.search.labels import read_labels, vocabulary_description
from boulder.search.layer_text import TextSource, hypothesis, labels_of
from boulder.search.network import search_layers
from boulder.search.prior import mean_posteriors, write_prior_txt, write_prior_xml
from config.attention_network import Size
from config.attention_network import network as attention_network
from jobs.lexicon_to_hdf import END
from tests.parity.comparing import random_params

pytestmark = pytest.mark.parity

NAMES = [f"n{index}" if index % 3 else f"n{index}@@" for index in range(END + 1)]
EXTERN_DATA = {
    "data": {"dim": 5, "sparse": True, "available_for_inference": True},
    "targets": {"dim": END + 1, "sparse": True},
}
DECODER = attention_network(Size(layers=1, encoder=6, decoder=6, dropout=0.0), ctc_scale=0.0, label_smoothing=0.0)
FRAME_WISE = {
    "embedding": {"class": "linear", "activation": None, "from": "data", "n_out": 5},
    "hidden": {"class": "rec", "unit": "nativelstm2", "from": "embedding", "n_out": 6, "is_output_layer": True},
    "output": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "targets"},
    "mean": {"class": "reduce", "mode": "mean", "axis": "T", "from": "hidden", "is_output_layer": True},
    "best": {"class": "reduce", "mode": "argmax", "axis": "F", "from": "output", "is_output_layer": True},
}
NORM = {"class": "batch_norm", "from": "hidden", "update_sample_only_in_training": True, "masked_time": True}
WITH_NORM = FRAME_WISE | {
    "norm": NORM | {"param_version": 2},
    "output": {"class": "softmax", "from": "norm", "loss": "ce", "target": "targets"},
}
LENGTHS = {"seq-c": 4, "seq-a": 2, "seq-b": 7, "seq-d": 3}


class Setting:
    """A network with parameters, and the files that both write."""

    def __init__(self, net, frames, folder, vocab):
        self.net, self.frames, self.folder = net, frames, folder
        self.extern_data = EXTERN_DATA | {"targets": EXTERN_DATA["targets"] | ({"vocab": vocab} if vocab else {})}
        params = random_params(describe(net, EXTERN_DATA), scale=1.0)
        self.params = {path: abs(value) if "variance" in path else value for path, value in params.items()}

    def case(self, task, name, **options):
        return {
            "kind": "task",
            "task": task,
            "options": {"network": self.net, "extern_data": self.extern_data, "batch_size": 50, "target": "targets", **options},
            "params": self.params,
            "data": {"class": "HDFDataset", "files": [str(self.frames)]},
            "output": str(self.folder / name),
        }  # fmt: skip

    def data_pass(self, mode="search") -> DataPass:
        checkpoint = SimpleNamespace(network=self.net, params=self.params)
        return DataPass(checkpoint, EXTERN_DATA, self.frames, 50, mode=mode)

    def searched(self, layers) -> dict:
        vocab = self.extern_data["targets"].get("vocab")
        vocabulary = vocabulary_description(vocab, "vocab") if vocab else None
        labels = labels_of(TextSource(vocabulary, "targets"), self.frames, EXTERN_DATA)
        return {
            tag: [hypothesis(output, labels, tag) for output in outputs]
            for tag, outputs in search_layers(self.data_pass(), layers).items()
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tasks")


@pytest.fixture(scope="module")
def settings(returnn, folder):
    """:return: the setting of each network, after RETURNN has written all its files"""
    random = np.random.default_rng(1)
    frames = folder / "frames.hdf"
    with HdfWriter(frames, EXTERN_DATA, {"targets": NAMES}) as writer:
        for tag, length in LENGTHS.items():
            data = {key: random.integers(0, stream["dim"], length) for key, stream in EXTERN_DATA.items()}
            writer.write(tag, data)
    (folder / "vocab").write_text("".join(f"w{index}\n" for index in range(END + 1)))
    decoder = Setting(
        DECODER, frames, folder, {"class": "Vocabulary", "vocab_file": str(folder / "vocab"), "unknown_label": None}
    )
    by_data = Setting(DECODER, frames, folder, None)
    frame_wise = Setting(FRAME_WISE, frames, folder, None)
    normed = Setting(WITH_NORM, frames, folder, None)
    py, txt = {"search_output_file_format": "py"}, {"search_output_file_format": "txt"}
    returnn(
        [
            decoder.case("search", "best.py", search_output_layer="decision", **py),
            decoder.case("search", "best.txt", search_output_layer="decision", **txt),
            decoder.case("search", "beam.py", search_output_layer="output", **py),
            decoder.case("search", "several.py", search_output_layer=["decision", "output"], **py),
            by_data.case("search", "data.py", search_output_layer="decision", **py),
            frame_wise.case("search", "dense.py", search_output_layer="hidden", **py),
            frame_wise.case("forward", "output.hdf"),
            frame_wise.case("forward", "mean.hdf", forward_output_layer="mean"),
            frame_wise.case("forward", "best.hdf", forward_output_layer="best"),
            frame_wise.case("compute_priors", "prior.txt"),
            frame_wise.case("compute_priors", "best_prior.txt", forward_output_layer="best"),
            normed.case("forward", "norm.hdf", forward_output_layer="norm"),
            normed.case("compute_priors", "norm_prior.txt"),
        ]
    )
    return {"decoder": decoder, "by_data": by_data, "frame_wise": frame_wise, "normed": normed}


@pytest.mark.parametrize("file_format", ["py", "txt"])
def test_the_file_of_the_best_hypotheses_is_returnns(settings, folder, file_format):
    best = {tag: text for tag, (text,) in settings["decoder"].searched(["decision"]).items()}
    write_hypotheses(folder / f"our.{file_format}", best, file_format)
    assert (folder / f"our.{file_format}").read_text() == (folder / f"best.{file_format}").read_text()
    assert list(best) == list(LENGTHS)
    assert any(best.values())


def test_names_of_the_data_set_are_returnns(settings, folder):
    best = {tag: text for tag, (text,) in settings["by_data"].searched(["decision"]).items()}
    assert best == read_hypotheses(folder / "data.py")


def test_all_hypotheses_and_their_scores_are_returnns(settings, folder):
    ours = {tag: hypotheses for tag, (hypotheses,) in settings["decoder"].searched(["output"]).items()}
    write_hypotheses(folder / "our_beam.py", ours)
    ours, theirs = read_hypotheses(folder / "our_beam.py"), read_hypotheses(folder / "beam.py")
    assert list(ours) == list(theirs)
    for tag, hypotheses in theirs.items():
        assert [text for _, text in ours[tag]] == [text for _, text in hypotheses]
        np.testing.assert_allclose([s for s, _ in ours[tag]], [s for s, _ in hypotheses], rtol=1e-4)


def test_several_layers_are_a_dict_by_layer(settings, folder):
    theirs = read_hypotheses(folder / "several.py")
    for tag, (best, every) in settings["decoder"].searched(["decision", "output"]).items():
        assert best == theirs[tag]["decision"]
        assert [text for _, text in every] == [text for _, text in theirs[tag]["output"]]


def test_arrays_are_written_whole(settings, folder):
    theirs = eval((folder / "dense.py").read_text(), {"array": np.array, "float32": np.float32})
    for tag, (array,) in settings["frame_wise"].searched(["hidden"]).items():
        np.testing.assert_allclose(array, theirs[tag], rtol=1e-5)


@pytest.mark.parametrize(
    ("net", "layer"), [("frame_wise", "output"), ("frame_wise", "mean"), ("frame_wise", "best"), ("normed", "norm")]
)
def test_forwarded_files_have_returnns_content(settings, folder, net, layer):
    ours = folder / f"our_{layer}.hdf"
    forward_to_hdf(settings[net].data_pass("eval"), {"data": layer}, ours)
    with h5py.File(ours) as our_file, h5py.File(folder / f"{layer}.hdf") as their_file:
        np.testing.assert_allclose(our_file["inputs"], their_file["inputs"], rtol=1e-5)
        assert our_file["inputs"].shape == their_file["inputs"].shape
        assert our_file["seqLengths"][...].tolist() == their_file["seqLengths"][...].tolist()
        assert our_file["seqTags"].asstr()[...].tolist() == their_file["seqTags"].asstr()[...].tolist()
        for name in ("inputPattSize", "numLabels", "numSeqs", "numTimesteps"):
            assert our_file.attrs[name] == their_file.attrs[name], name


def test_returnns_files_are_data_sets_like_ours(folder, settings):
    with open_dataset(folder / "output.hdf", {"data": {"dim": END + 1}}) as dataset:
        dataset.check()
        assert dataset.tags(range(4)) == list(LENGTHS)


@pytest.mark.parametrize(
    ("net", "layer", "name"),
    [
        ("frame_wise", "output", "prior.txt"),
        ("frame_wise", "best", "best_prior.txt"),
        ("normed", "output", "norm_prior.txt"),
    ],
)
def test_priors_are_returnns(settings, folder, net, layer, name):
    prior = mean_posteriors(settings[net].data_pass("eval"), layer)
    write_prior_txt(folder / f"our_{name}", prior)
    write_prior_xml(folder / "our.xml", prior)
    theirs = np.loadtxt(folder / name)
    np.testing.assert_allclose(np.loadtxt(folder / f"our_{name}"), theirs, rtol=1e-5)
    vector = ElementTree.parse(folder / "our.xml").getroot()
    np.testing.assert_allclose(list(map(float, vector.text.split())), theirs, rtol=1e-5)


def test_vocabularies_give_returnns_text(folder):
    """Through RETURNN's own classes, which need no TensorFlow."""
    from returnn.datasets.util.vocabulary import Vocabulary

    (folder / "dict").write_text("{'a': 1, 'b@@': 0, '<s>': 2}")
    for options in (
        {"vocab_file": str(folder / "dict"), "unknown_label": None},
        {"class": "CharacterTargets", "vocab_file": str(folder / "dict"), "unknown_label": None},
        {"class": "Utf8ByteTargets"},
    ):
        labels = read_labels(vocabulary_description(options, "vocab"))
        assert labels.text([1, 0, 2], "x") == Vocabulary.create_vocab(**options).get_seq_labels([1, 0, 2])
