"""Data sets whose lengths are known only when a sequence is read: the batches of an epoch, and how they resume."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from boulder.data import HdfDataset, HdfWriter, dataset_class, open_dataset
from boulder.data.dataset import dataset_classes
from boulder.data.read_sequence import ReadSequence
from boulder.data.streamed_batches import Place
from boulder.errors import DataError
from boulder.training.epoch_batches import batches_to_score, batches_to_train, streamed_to_score, streamed_to_train
from boulder.training.progress import done_of
from boulder.training.scores import read_scores
from boulder.training.training_options import TrainingOptions
from tests.tiny import network, phase

STREAMS = {"data": {"dim": 50, "sparse": True}, "classes": {"dim": 50, "sparse": True}}


@dataclass(kw_only=True, eq=False)
class StreamedHdf(HdfDataset):
    """The sequences of an HDF data set, without their lengths."""

    @property
    def streamed(self):
        return True


@dataclass(kw_only=True, eq=False)
class CutHdf(StreamedHdf):
    """Each sequence loses its last label in every second epoch."""

    def sequences(self, epoch, seed, default, start=0):
        for found in super().sequences(epoch, seed, default, start):
            data = {**found.data, "data": found.data["data"][: -1 if epoch % 2 else None]}
            yield ReadSequence(found.tag, data, {key: len(array) for key, array in data.items()})


@pytest.fixture(autouse=True, scope="module")
def registered():
    classes = {cls.__name__: dataset_class(cls.__name__)(cls) for cls in (StreamedHdf, CutHdf)}
    yield
    for name in classes:
        del dataset_classes()[name]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """:return: 40 sequences of 0 to 11 labels, and as many classes"""
    random, path = np.random.default_rng(3), tmp_path_factory.mktemp("data") / "data.hdf"
    with HdfWriter(path, STREAMS) as writer:
        for number in range(40):
            length = random.integers(0, 12)
            writer.write(f"seq-{number}", {key: random.integers(0, 50, length, "int32") for key in STREAMS})
    return str(path)


def content(sequences) -> list:
    return [(tag, {key: array.tolist() for key, array in sorted(data.items())}) for tag, data in sequences]


def of_indices(path, options, epoch, order) -> list:
    with open_dataset({"class": "HDFDataset", "files": [path]} | order, STREAMS) as dataset:
        parts, batches = batches_to_train(dataset, epoch, options, STREAMS)
        return [content(zip(parts.tags(batch), parts.read_many(batch), strict=True)) for batch in batches]


def of_stream(path, options, epoch, order, start=None) -> tuple[list, list]:
    """:return: batches, and where each next one begins"""
    with open_dataset({"class": "StreamedHdf", "files": [path]} | order, STREAMS) as dataset:
        found = list(streamed_to_train(dataset, epoch, options, STREAMS, start or Place()))
        batches = [content((seq.tag, seq.data) for seq in batch.sequences) for batch in found]
        return batches, [batch.after for batch in found]


option_values = st.fixed_dictionaries(
    {"batch_size": st.sampled_from([1, 9, 30, 200, {"data": 25}, None])},
    optional={
        "max_seqs": st.integers(1, 20),
        "max_pad_size": st.integers(0, 12),
        "max_seq_length": st.integers(3, 12),
        "min_seq_length": st.integers(0, 4),
        "seq_drop": st.sampled_from([0.1, 0.5]),
        "chunking": st.sampled_from(["5:3", "4", ({"data": 4, "classes": 4}, {"data": 2, "classes": 2})]),
        "min_chunk_size": st.integers(0, 2),
        "chunking_variance": st.sampled_from([0.0, 0.4]),
        "returnn_batches": st.booleans(),
    },
)
orders = st.sampled_from([{}, {"seq_ordering": "random"}, {"seq_ordering": "laplace:.5", "partition_epoch": 2}])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=option_values, epoch=st.integers(1, 4), order=orders, share=st.floats(0, 1))
@example(  # an empty sequence comes last, in a batch of its own, which RETURNN drops
    config={"batch_size": 1, "returnn_batches": True, "max_seq_length": 3},
    epoch=2,
    order={"seq_ordering": "random"},
    share=0.0,
)
def test_streamed_batches_are_those_of_known_lengths_and_resume_at_any_batch(file, config, epoch, order, share):
    options = TrainingOptions.from_config(config)
    try:
        expected = of_indices(file, options, epoch, order)
    except DataError as error:
        with pytest.raises(DataError, match=str(error).split("leaves")[0]):
            of_stream(file, options, epoch, order)
        return
    batches, places = of_stream(file, options, epoch, order)
    assert batches == expected
    done = int(share * (len(batches) - 1))
    assert None not in places[:-1]
    assert places[-1] is None or of_stream(file, options, epoch, order, places[-1])[0] == []
    if places[done] is not None:
        assert of_stream(file, options, epoch, order, places[done])[0] == batches[done + 1 :]


def test_data_to_score_has_the_limits_of_known_lengths_but_is_not_sorted(file):
    options = TrainingOptions.from_config({"batch_size": 30, "max_seq_length": 8})
    for limited in (True, False):
        with open_dataset(file, STREAMS) as dataset:
            batches = batches_to_score(dataset, 1, options, limited)
            expected = {tag for batch in batches for tag in dataset.tags(batch)}
        with open_dataset({"class": "StreamedHdf", "files": [file]}, STREAMS) as dataset:
            batches = streamed_to_score(dataset, 1, options, limited)
            found = [sequence.tag for batch in batches for sequence in batch.sequences]
        assert found == sorted(expected, key=lambda tag: int(tag.removeprefix("seq-")))


def test_only_a_few_sequences_are_read_ahead(file):
    read = []

    class Counting(StreamedHdf):
        def sequences(self, *arguments):
            for sequence in super().sequences(*arguments):
                read.append(sequence.tag)
                yield sequence

    options = TrainingOptions.from_config({"max_seqs": 2})
    with Counting(files=[file]) as dataset:
        list(islice(streamed_to_train(dataset, 1, options, STREAMS, Place()), 1))
    assert len(read) == 16


def test_data_that_differs_after_an_interruption_is_reported(file):
    with pytest.raises(
        DataError, match="sequence 3 of the epoch is 'seq-3', expected 'seq-5' as before the interruption"
    ):
        of_stream(file, TrainingOptions(), 1, {}, Place(seq=3, tag="seq-5"))
    with pytest.raises(
        DataError, match="sequence 40 of the epoch is None, expected 'seq-5' as before the interruption"
    ):
        of_stream(file, TrainingOptions(), 1, {}, Place(seq=40, tag="seq-5"))


def test_shares_of_replicas_are_those_of_known_lengths(file):
    from boulder.data import shares_of_epoch
    from boulder.data.streamed_feed import shares_of_stream

    options = TrainingOptions.from_config({"max_seqs": 3, "min_seq_length": 1})
    with open_dataset(file, STREAMS) as dataset:
        for count, here in ((1, range(1)), (2, range(2)), (4, range(2, 4))):
            indexed, batches = batches_to_train(dataset, 1, options, STREAMS)
            expected = shares_of_epoch(indexed, batches, count, here)
            streamed = shares_of_stream(dataset, streamed_to_train(dataset, 1, options, STREAMS, Place()), count, here)
            for (_, shares), others in zip(streamed, expected, strict=True):
                assert str(shares) == str(others)


def test_the_progress_of_an_unknown_number_of_batches_is_the_number_of_those_done():
    assert (done_of(3, 10), done_of(3, None)) == ("3/10", "3")


@pytest.mark.slow
def test_a_streamed_training_has_the_numbers_of_known_lengths_wherever_it_is_killed(training, data, tmp_path, stop_at):
    def phases(name):
        found = {"class": name, "files": [str(data / "train.hdf")]}
        return [phase(0, range(1, 3), network(1, 4)) | {"train": found, "eval_datasets": {"devtrain": found}}]

    streamed, indexed, whole = (training(phases(name), name) for name in ("StreamedHdf", "HDFDataset", "CutHdf"))
    assert all(np.array_equal(values, indexed.params[key]) for key, values in streamed.params.items())
    assert [record["train"] for record in streamed.history] == [record["train"] for record in indexed.history]
    frames = [
        [record["frames"] for record in read_scores(tmp_path / f"{name}/scores.jsonl")]
        for name in ("StreamedHdf", "HDFDataset", "CutHdf")
    ]
    assert frames[0] == frames[1] != frames[2]
    for batches in (2, 5, 7, 14):  # in the first epoch, at its end, during its scores, in the second epoch
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases("CutHdf"), f"killed{batches}")
        stop_at(10**6)
        assert training(phases("CutHdf"), f"killed{batches}").checksum == whole.checksum
