"""Bugs in functions and classes of the user, met while data is read, are told with their place."""

import re
from dataclasses import dataclass

import numpy as np
import pytest

from boulder.data import batches_of_epoch, form_batches, open_dataset
from boulder.data.in_memory import InMemory
from boulder.data.read_errors import told_of
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.data.text.text_processing import text_processing
from boulder.data.vocabulary.vocabulary import Vocabulary
from boulder.errors import DataError, TrainingError
from tests.audio_zip import samples, wav, write_zip


@dataclass(kw_only=True, eq=False)
class Faulty(InMemory):
    """A data set with a bug, which its third sequence meets."""

    def read_many(self, indices):
        return [self.held[i].data["dta"] if i == 2 else self.held[i].data for i in indices]


def faulty():
    held = [ReadSequence(f"s-{n}", {"data": np.ones([n + 1, 2], "float32")}, {"data": n + 1}) for n in range(4)]
    return Faulty(held=held, kinds={"data": Stream("data", 2, sparse=False)})


PLACE = rf"KeyError: 'dta' \({re.escape(__file__)}:\d+\)"
FOUND = rf"Faulty: sequence 's-2': {PLACE}"


@pytest.mark.parametrize("num_workers", [1, 2])
def test_the_sequence_of_a_batch_is_told(num_workers):
    dataset = faulty()
    batches = form_batches(np.arange(4), dataset.lengths, 100, 2)
    read = told_of("train data", batches_of_epoch(dataset, batches, num_workers=num_workers))
    assert next(read).tags == ["s-0", "s-1"]
    with pytest.raises(DataError, match=f"^train data: {FOUND}$"):
        next(read)


@pytest.mark.parametrize(
    "read",
    [
        lambda dataset: dataset.read(2),
        lambda dataset: list(dataset.in_order(np.arange(4), 1, 0)),
    ],
)
def test_the_sequence_is_told_outside_of_batches(read):
    with pytest.raises(DataError, match=f"^{FOUND}$"):
        read(faulty())


def test_a_stream_of_sequences_tells_the_place_and_keeps_errors_of_its_own():
    def stream(error):
        yield 1
        raise error

    for error, kind, told in (
        (ValueError("two\nlines"), DataError, r"dev data: ValueError: two lines \(.*test_read_errors.py:\d+\)"),
        (DataError("a.hdf: gone"), DataError, "dev data: a.hdf: gone"),
        (TrainingError("ended"), TrainingError, "dev data: ended"),
    ):
        read = told_of("dev data", stream(error))
        assert next(read) == 1
        with pytest.raises(kind, match=f"^{told}$"):
            next(read)


def only_short_words(audio, sample_rate, random_state):
    return {2000: audio}[len(audio)]


def test_a_function_of_the_audio_is_told_with_the_file_and_the_sequence(tmp_path):
    sounds = {"one.wav": wav(samples("two")[:2000]), "two.wav": wav(samples("two")[:2001])}
    entries = [{"text": file[:3], "duration": 0.5, "file": file} for file in sounds]
    write_zip(tmp_path / "data.zip", entries, sounds)
    audio = {"features": "raw", "pre_process": only_short_words}
    with open_dataset({"class": "OggZipDataset", "path": str(tmp_path / "data.zip"), "audio": audio}) as dataset:
        assert len(dataset.read(0)["data"]) == 2000
        with pytest.raises(DataError) as raised:
            _ = dataset.measured_lengths
    place = f"{__file__}:{only_short_words.__code__.co_firstlineno + 1}"
    assert str(raised.value) == (
        f"{tmp_path / 'data.zip'}: sequence 'two.wav': the function 'pre_process': KeyError: 2001 ({place})"
    )


def test_a_function_of_the_text_is_told_by_its_name():
    def first_word(text):
        return text.split()[0]

    assert text_processing(["lowercase", first_word])("A b") == "a"
    with pytest.raises(DataError, match=r"^the function 'first_word': IndexError: list index out of range \(.*:\d+\)$"):
        text_processing(["lowercase", first_word])(" ")


def test_the_labels_of_a_vocabulary_may_fail():
    def labels():
        raise OSError

    with pytest.raises(DataError, match=r"^the function 'labels': OSError: raise OSError \(.*:\d+\)$"):
        _ = Vocabulary(labels=labels, unknown_label=None).names
