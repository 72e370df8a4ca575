"""Search over a data set, with networks that are not trained."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from boulder.data import HdfDataset, HdfWriter, dataset_class
from boulder.data.dataset import dataset_classes
from boulder.errors import DataError, NetworkError
from boulder.network import describe
from boulder.network.initializers import initial_value
from boulder.search.data_pass import DataPass
from boulder.search.layer_text import TextSource, stream_texts
from boulder.search.network import beam_search, ctc_search, search_layers
from config.attention_network import Size
from config.attention_network import network as attention_network
from jobs.lexicon_to_hdf import END

EXTERN_DATA = {"data": {"dim": 5, "sparse": True}, "targets": {"dim": END + 1, "sparse": True}}
LENGTHS = {"one": 4, "two": 2, "three": 3}


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """:return: a file without targets"""
    path = tmp_path_factory.mktemp("letters") / "letters.hdf"
    with HdfWriter(path, {"data": EXTERN_DATA["data"]}) as writer:
        for tag, length in LENGTHS.items():
            writer.write(tag, {"data": np.arange(length)})
    return path


def searched(network: dict, letters) -> DataPass:
    params = describe(network, EXTERN_DATA).params
    values = {path: initial_value(p.init, p.shape, 1, path, p.dtype) for path, p in params.items()}
    return DataPass(SimpleNamespace(network=network, params=values), EXTERN_DATA, letters, batch_size=100)


def test_beam_search_gives_labels_and_attention_weights_of_each_sequence(letters):
    net = attention_network(Size(layers=1, encoder=3, decoder=3, dropout=0.0), ctc_scale=0.0, label_smoothing=0.0)
    hypotheses, attention = beam_search(searched(net, letters), "decision", "output/att_weights")
    assert list(hypotheses) == list(attention) == sorted(LENGTHS)
    for tag, labels in hypotheses.items():
        weights = attention[tag]
        assert weights.shape[1] == LENGTHS[tag]
        assert weights.shape[0] >= len(labels)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-5)


def test_ctc_search_gives_labels_of_each_sequence(letters):
    net = {"output": {"class": "softmax", "from": "data", "n_out": 4}}
    hypotheses = ctc_search(searched(net, letters), "output")
    assert {tag: len(labels) <= LENGTHS[tag] for tag, labels in hypotheses.items()} == dict.fromkeys(LENGTHS, True)


def test_equal_tags_are_reported(tmp_path):
    with HdfWriter(tmp_path / "twice.hdf", {"data": EXTERN_DATA["data"]}) as writer:
        for _ in range(2):
            writer.write("same", {"data": np.arange(2)})
    net = {"output": {"class": "softmax", "from": "data", "n_out": 4}}
    with pytest.raises(DataError, match="several sequences with the tag 'same'"):
        ctc_search(searched(net, tmp_path / "twice.hdf"), "output")


@pytest.mark.parametrize(
    ("search", "layer", "message"),
    [
        (ctc_search, "outptu", "there is no layer 'outptu'; did you mean 'output'"),
        (beam_search, "output", "search: layer 'output' is .*, expected one label for each frame"),
    ],
)
def test_a_wrong_layer_is_reported(letters, search, layer, message):
    net = {"output": {"class": "softmax", "from": "data", "n_out": 4}}
    with pytest.raises(NetworkError, match=message):
        search(searched(net, letters), layer)


def test_data_whose_lengths_are_not_known_before_has_the_same_results_in_the_same_order(letters, monkeypatch):
    monkeypatch.setattr("boulder.data.dataset._classes", dict(dataset_classes()))

    @dataset_class("StreamedHdf")
    @dataclass(kw_only=True, eq=False)
    class StreamedHdf(HdfDataset):
        @property
        def streamed(self):
            return True

    net = {"output": {"class": "softmax", "from": "data", "n_out": 4}}
    indexed = searched(net, letters)
    streamed = replace(indexed, data={"class": "StreamedHdf", "files": [str(letters)]}, max_seqs=2)
    expected, found = (search_layers(each, ["output"]) for each in (indexed, streamed))
    assert list(found) == list(expected) == list(LENGTHS)
    for tag, (output,) in found.items():
        np.testing.assert_allclose(output, expected[tag][0], rtol=1e-6)
    texts = [stream_texts(each.data, EXTERN_DATA, TextSource(stream="data")) for each in (indexed, streamed)]
    assert texts[0] == texts[1]
