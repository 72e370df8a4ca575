"""Outputs of layers as HDF data sets, priors and alignments, with networks that are not trained."""

from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.errors import CheckpointError, ConfigError, DataError, NetworkError
from boulder.network import describe
from boulder.network.initializers import initial_value
from boulder.search.ctc_alignment import align_to_hdf, ctc_alignment
from boulder.search.data_pass import DataPass
from boulder.search.forward import forward_to_hdf
from boulder.search.prior import mean_posteriors, write_prior_txt, write_prior_xml
from tests.data import test_streams_without_time as streams_without_time

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}, "other": {"dim": 2, "sparse": True}}
LENGTHS = {"one": 4, "two": 2, "three": 7, "four": 1}
NETWORK = {
    "hidden": {"class": "linear", "activation": "tanh", "from": "data", "n_out": 5},
    "output": {"class": "softmax", "from": "hidden", "n_out": 5, "loss": "ctc", "target": "classes"},
    "best": {"class": "reduce", "mode": "argmax", "axis": "F", "from": "output", "is_output_layer": True},
    "mean": {"class": "reduce", "mode": "mean", "axis": "T", "from": "hidden", "is_output_layer": True},
    "pooled": {"class": "pool", "mode": "max", "pool_size": (2,), "padding": "same", "from": "hidden", "is_output_layer": True},
    "wide": {"class": "split_dims", "axis": "F", "dims": (-1, 1), "from": "hidden", "is_output_layer": True},
    "unread": {"class": "linear", "from": "data:other", "n_out": 2, "is_output_layer": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """:return: a file without the stream `other`"""
    path = tmp_path_factory.mktemp("frames") / "frames.hdf"
    random = np.random.default_rng(1)
    with HdfWriter(path, {key: EXTERN_DATA[key] for key in ("data", "classes")}) as writer:
        for tag, length in LENGTHS.items():
            labels = random.permutation(4)[: (length + 1) // 2]
            writer.write(tag, {"data": random.normal(size=(length, 3)), "classes": labels})
    return path


def data_pass(frames, batch_size: int | dict = 100, network: dict | None = None, mode: str = "eval") -> DataPass:
    params = describe(NETWORK, EXTERN_DATA).params
    values = {path: initial_value(p.init, p.shape, 1, path, p.dtype) for path, p in params.items()}
    checkpoint = SimpleNamespace(network=NETWORK, params=values)
    return DataPass(checkpoint, EXTERN_DATA, frames, batch_size, network=network, mode=mode)


def read(path, extern_data: dict) -> dict[str, dict[str, np.ndarray]]:
    with open_dataset(path, extern_data) as dataset:
        dataset.check()
        tags = dataset.tags(range(dataset.num_seqs))
        return dict(zip(tags, dataset.read_many(range(dataset.num_seqs)), strict=True))


@pytest.fixture(scope="module")
def written(frames, tmp_path_factory):
    """:return: tag → streams of a file with all kinds of layers, and a stream of the data set"""
    path = tmp_path_factory.mktemp("forward") / "forward.hdf"
    sources = {"data": "output", "best": "best", "mean": "mean", "pooled": "pooled", "input": "data:data"}
    assert forward_to_hdf(data_pass(frames, batch_size=8), sources, path) == 4
    return read(
        path,
        {
            "data": {"dim": 5},
            "best": {"dim": 5, "sparse": True},
            "mean": {"dim": 5},
            "pooled": {"dim": 5},
            "input": {"dim": 3},
        },
    )


def test_the_file_has_the_sequences_of_the_data_set_in_their_order(written):
    assert list(written) == list(LENGTHS)


def test_frames_of_a_layer_are_written_without_padding(written):
    for tag, length in LENGTHS.items():
        assert {key: len(array) for key, array in written[tag].items()} == {
            "data": length, "best": length, "mean": 1, "pooled": -(-length // 2), "input": length,
        }  # fmt: skip


def test_the_values_do_not_depend_on_the_batches(frames, written, tmp_path):
    forward_to_hdf(data_pass(frames, batch_size=1), {"data": "output"}, tmp_path / "one.hdf")
    for tag, sequence in read(tmp_path / "one.hdf", {"data": {"dim": 5}}).items():
        np.testing.assert_allclose(sequence["data"], written[tag]["data"], rtol=1e-5)
        np.testing.assert_array_equal(written[tag]["best"], sequence["data"].argmax(axis=-1))


def test_streams_of_the_data_set_are_copied(frames, written):
    for tag, sequence in read(frames, {"data": {"dim": 3}}).items():
        np.testing.assert_array_equal(written[tag]["input"], sequence["data"])


def test_two_time_axes_follow_one_another_and_their_sizes_are_a_stream(frames, tmp_path):
    """RETURNN's SimpleHDFWriter does the same."""
    net = NETWORK | {
        "scores": {"class": "dot", "from": ["hidden", "again"], "reduce": "F", "var1": "T", "var2": "T", "is_output_layer": True},
        "again": {"class": "pool", "mode": "max", "pool_size": (2,), "padding": "same", "from": "hidden"},
    }  # fmt: skip
    forward_to_hdf(data_pass(frames, network=net), {"data": "scores"}, tmp_path / "scores.hdf")
    import h5py

    with h5py.File(tmp_path / "scores.hdf") as file:
        sizes = file["targets/data/sizes"][...].reshape(4, 2)
        assert sizes.tolist() == [[length, -(-length // 2)] for length in LENGTHS.values()]
        assert file["seqLengths"][:, 0].tolist() == sizes.prod(axis=1).tolist()


def test_the_prior_is_the_mean_over_all_frames(frames, written):
    every = np.concatenate([sequence["data"] for sequence in written.values()])
    prior = mean_posteriors(data_pass(frames, batch_size={"data": 8, "classes": 3}), "output")
    np.testing.assert_allclose(prior, every.mean(axis=0), rtol=1e-5)
    best = mean_posteriors(data_pass(frames), "best")
    np.testing.assert_allclose(best, np.bincount(every.argmax(axis=-1), minlength=5) / len(every), rtol=1e-12)


def test_files_of_a_prior_have_its_logarithms(tmp_path):
    prior = np.array([0.25, 0.75, 0.0])
    write_prior_txt(tmp_path / "prior.txt", prior)
    write_prior_xml(tmp_path / "prior.xml", prior)
    expected = [np.log(0.25), np.log(0.75), -np.inf]
    assert np.loadtxt(tmp_path / "prior.txt").tolist() == expected
    vector = ElementTree.parse(tmp_path / "prior.xml").getroot()
    assert (vector.tag, vector.attrib) == ("vector-f32", {"size": "3"})
    assert list(map(float, vector.text.split())) == expected


def test_an_alignment_has_a_class_for_each_frame(frames, written, tmp_path):
    sources = {"data": "data:data"}
    path = tmp_path / "align.hdf"
    align_to_hdf(data_pass(frames), "output", target="classes", stream="classes", sources=sources, path=path)
    labels = read(frames, {"classes": EXTERN_DATA["classes"]})
    for tag, sequence in read(path, {"data": {"dim": 3}, "classes": {"dim": 5, "sparse": True}}).items():
        expected = ctc_alignment(np.log(written[tag]["data"]), labels[tag]["classes"])
        assert sequence["classes"].tolist() == expected.tolist()
        assert len(sequence["data"]) == len(expected)


def test_labels_that_do_not_fit_name_their_sequence(tmp_path):
    with HdfWriter(tmp_path / "short.hdf", {key: EXTERN_DATA[key] for key in ("data", "classes")}) as writer:
        writer.write("short", {"data": np.zeros((1, 3)), "classes": [1, 2]})
    with pytest.raises(DataError, match=r"sequence 'short': CTC alignment: 2 labels, .* need 2 frames, found 1"):
        align_to_hdf(
            data_pass(tmp_path / "short.hdf"),
            "output",
            target="classes",
            stream="data",
            sources={},
            path=tmp_path / "a.hdf",
        )
    assert not (tmp_path / "a.hdf").exists()


@pytest.mark.parametrize(
    ("sources", "error", "message"),
    [
        ({"data": "outptu"}, NetworkError, "there is no layer 'outptu'; did you mean 'output'"),
        ({"data": "wide"}, NetworkError, "layer 'wide' is .*, but an HDF file holds frames with one axis of features"),
        ({"data": "data:date"}, ConfigError, "no data stream 'date' in extern_data; did you mean 'data'"),
        ({"data": "unread"}, DataError, "found no 'other' among data, classes"),
    ],
)
def test_a_layer_that_cannot_be_written_is_reported(frames, tmp_path, sources, error, message):
    with pytest.raises(error, match=message):
        forward_to_hdf(data_pass(frames), sources, tmp_path / "forward.hdf")
    assert not (tmp_path / "forward.hdf").exists()


def test_a_prior_of_no_probabilities_is_refused(frames):
    with pytest.raises(DataError, match=r"the means of layer 'hidden' add up to .*: name the softmax"):
        mean_posteriors(data_pass(frames), "hidden")
    with pytest.raises(NetworkError, match=r"layer 'wide' is .*, expected probabilities of classes for each frame"):
        mean_posteriors(data_pass(frames), "wide")


def test_every_parameter_that_does_not_fit_is_named(frames):
    net = NETWORK | {"hidden": NETWORK["hidden"] | {"n_out": 6}}
    with pytest.raises(CheckpointError, match=r"hidden/W is \[3, 5\], expected \[3, 6\], .*output/W is \[5, 5\]"):
        mean_posteriors(data_pass(frames, network=net), "output")
    net = NETWORK | {"output": NETWORK["output"] | {"from": "hiden"}, "hiden": NETWORK["hidden"]}
    with pytest.raises(CheckpointError, match="hiden/W is missing; did you mean 'hidden/W'"):
        mean_posteriors(data_pass(frames, network=net), "output")


def test_streams_without_time_are_copied_as_one_frame(tmp_path):
    streams = {key: entry for key, entry in streams_without_time.EXTERN_DATA.items() if key != "number"}
    source = streams_without_time.write(tmp_path / "in.hdf")
    network = {"output": {"class": "copy", "from": "data", "is_output_layer": True}}
    one_pass = DataPass(SimpleNamespace(network=network, params={}), streams, source, 100, mode="eval")
    forward_to_hdf(
        one_pass, {key: f"data:{key}" for key in ("vector", "speaker")} | {"data": "output"}, tmp_path / "out.hdf"
    )
    before, after = (read(path, streams) for path in (source, tmp_path / "out.hdf"))
    assert list(after) == ["seq-0", "seq-1", "seq-2"]
    for tag, sequence in before.items():
        for key, array in sequence.items():
            np.testing.assert_array_equal(after[tag][key].reshape(array.shape), array)
