"""Limits by stream are checked before the first job, as far as the streams are known."""

import pytest

from boulder.data import open_dataset
from boulder.errors import ConfigError, DataError
from boulder.returnn import load_config
from boulder.training.stream_limits import check_stream_limits
from boulder.training.training_options import TrainingOptions
from tests.returnn.test_training import CONFIG

STREAMS = ["data", "classes"]


def check(of_data=None, **options) -> None:
    check_stream_limits(TrainingOptions.from_config(options), STREAMS, of_data)


@pytest.mark.parametrize("name", ["batch_size", "max_pad_size", "max_seq_length", "min_seq_length"])
def test_streams_of_the_data_may_be_limited_though_the_network_does_not_read_them(name):
    check(["data", "aux"], **{name: {"aux": 20, "data": 30}})
    check(None, **{name: {"speaker": 20}})  # the job will tell
    with pytest.raises(DataError, match=f"{name}: found stream 'speaker', expected data, classes, aux"):
        check(["data", "aux"], **{name: {"speaker": 20}})
    with pytest.raises(DataError, match=f"{name}: found stream 'dta', expected data, classes; did you mean 'data'"):
        check(None, **{name: {"dta": 20}})


def test_chunks_of_unknown_streams_are_found():
    check(["aux"], chunking=({"data": 6, "aux": 3}, {"data": 6, "aux": 3}))
    with pytest.raises(DataError, match=r"chunking: found stream 'clases', .*; did you mean 'classes'"):
        check(None, chunking=({"data": 6, "clases": 3}, {"data": 6, "clases": 3}))
    with pytest.raises(DataError, match="min_chunk_size: found stream 'clases'"):
        check(None, chunking=6, min_chunk_size={"data": 6, "clases": 3})


def test_some_classes_tell_their_streams_without_a_file():
    data_map = {"data": ("a", "data"), "align": ("a", "classes")}
    inner = {"class": "MetaDataset", "datasets": {"a": {"class": "HDFDataset", "files": ["/no"]}}, "data_map": data_map}
    outer = {"class": "MultiEpochDataset", "dataset": inner, "multi_epoch": 2}
    assert sorted(open_dataset(outer).stream_names) == ["align", "data"]
    assert open_dataset("/no").stream_names is None


@pytest.mark.parametrize("chunking", ["1", 1])
def test_single_frames_of_data_to_score_are_refused(tmp_path, chunking):
    path = tmp_path / "my.config"
    path.write_text(f"{CONFIG}\nchunking = {chunking!r}\n")
    with pytest.raises(
        ConfigError, match=r"'chunking': found .*1.*, with which RETURNN also cuts 'dev' into single frames"
    ):
        load_config(path).training()
