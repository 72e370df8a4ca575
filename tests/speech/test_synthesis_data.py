"""From recordings to sequences of a synthesis, and from spectrograms to sounds and pictures."""

import json

import numpy as np
import pytest
import soundfile

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import HdfWriter, open_dataset
from boulder.errors import DataError
from boulder.report import render
from boulder.speech.mel_frames import MelFrames
from boulder.speech.spoken import wav_of
from boulder.speech.synthesis_data import END, sequence, streams
from tests.speech.made_sounds import sweep

MEL = MelFrames(window=320, step=80, filters=16, stacked=4)
CHARACTERS = " abc"


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    return tmp_path


def run(job):
    job._sis_setup_directory()
    job.run()
    return job


def made_data(folder):
    """:return: the job that has made a data set of two recordings; a third one is too long"""
    from jobs.synthesis_data import SynthesisDataJob
    from sisyphus import tk

    (folder / "speaker").mkdir()
    for name, samples in (("up", sweep()), ("down", sweep()[::-1]), ("long", np.zeros(20_000))):
        soundfile.write(folder / f"speaker/{name}.wav", samples, 8000, subtype="PCM_16")
    (folder / "texts.txt").write_text("speaker/up\tabc\nspeaker/down\tc ba\nspeaker/long\ta\n")
    return run(
        SynthesisDataJob(
            transcripts=tk.Path(str(folder / "texts.txt")),
            audio=tk.Path(str(folder)),
            characters=CHARACTERS,
            mel=MEL.options,
            max_seconds=2.0,
        )
    )


def test_a_sequence_has_labels_frames_their_end_and_a_position():
    found = sequence("c ba", CHARACTERS, sweep(), MEL)
    assert {key: len(array) for key, array in found.items()} == {
        "data": 5,
        "spectrogram": 26,
        "is_last": 26,
        "reached": 26,
    }
    assert found["data"].tolist() == [3, 0, 2, 1, 4]
    assert found["is_last"][:, 0].tolist() == [0] * 25 + [1]
    position = found["reached"][:, 0]
    assert (np.diff(position) >= 0).all()
    assert position[0] == pytest.approx(0, abs=0.2)
    assert position[-1] == pytest.approx(4, abs=0.2)
    pause = np.diff(position)[11:14]
    assert pause.max() == 0  # the position waits in a pause


def test_an_unknown_character_is_named():
    with pytest.raises(DataError, match="text 'abd': found 'd', expected characters of ' abc', without '¶'"):
        sequence("abd", CHARACTERS, sweep(), MEL)


def test_the_data_set_has_the_streams_of_the_network(in_tmp, capsys):
    job = made_data(in_tmp)
    assert "2 recordings; 1 are longer than 2.0 s, or shorter than a window" in capsys.readouterr().out
    with open_dataset([job.out_hdf.get_path()], streams(CHARACTERS, MEL)) as dataset:
        dataset.check()
        assert dataset.tags([0, 1]) == ["speaker/up", "speaker/down"]
        assert dataset.label_names("data") == [*CHARACTERS, END]
        np.testing.assert_array_equal(dataset.read(0)["data"], [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((4000, 2)), 8000, "up.wav: found 2 channels, expected one"),
        (np.zeros(4000), 16_000, "up.wav: found a sample rate of 16000 Hz, expected 8000"),
    ],
)
def test_recordings_of_another_kind_are_named(tmp_path, samples, rate, message):
    from boulder.data.audio.ogg_zip_writer import Recording
    from boulder.speech.synthesis_data import write_hdf

    soundfile.write(tmp_path / "up.wav", samples, rate)
    recording = Recording("up", tmp_path / "up.wav", "a")
    with pytest.raises(DataError, match=message):
        write_hdf(str(tmp_path / "data.hdf"), [recording], CHARACTERS, MEL, 2.0)


def test_spectrograms_become_sounds_and_pictures(in_tmp):
    from jobs.griffin_lim import GriffinLimJob
    from jobs.synthesis_pictures import SynthesisPicturesJob
    from sisyphus import tk

    data = made_data(in_tmp).out_hdf
    with (
        open_dataset([data.get_path()]) as dataset,
        HdfWriter(in_tmp / "forward.hdf", {"data": {"dim": MEL.dim}, "attention": {"dim": 1}}) as writer,
    ):
        for tag, found in zip(dataset.tags([0, 1]), dataset.read_many([0, 1]), strict=True):
            frames = (
                found["spectrogram"][:20] if tag == "speaker/up" else found["spectrogram"][:0]
            )  # nothing was synthesised
            weights = np.full((len(frames) * len(found["data"]), 1), 1 / len(found["data"]), "float32")
            writer.write(tag, {"data": frames, "attention": weights})
    forward = tk.Path(str(in_tmp / "forward.hdf"))
    true = run(GriffinLimJob(spectrograms=data, stream="spectrogram", mel=MEL.options, iterations=3)).out_wavs
    predicted = run(GriffinLimJob(spectrograms=forward, stream="data", mel=MEL.options, iterations=3)).out_wavs
    sound, rate = soundfile.read(wav_of(predicted.get_path(), "speaker/up"))
    assert (len(sound), rate) == ((20 * 4 - 1) * 80, 8000)
    assert np.abs(sound).max() > 0.1
    pictures = run(
        SynthesisPicturesJob(
            data=data, predicted={"made": forward}, wavs={"true": true, "made": predicted}, mel=MEL.options
        )
    )
    with open(pictures.out_recordings.get_path()) as file:
        recordings = json.load(file)
    assert [recording["title"] for recording in recordings] == ["abc", "c ba"]
    views = recordings[0]["views"]
    assert [view["caption"] for view in views] == ["true", "made"]
    assert [panel["caption"] for panel in views[1]["panels"]] == ["mel spectrogram", "attention"]
    assert views[1]["panels"][1]["rows"] == ["a", "b", "c", END]
    assert views[1]["seconds"] == 0.8
    assert recordings[1]["views"][1]["panels"] == []
    assert render({"title": "t", "phases": [], "recordings": recordings}).count("<audio") == 4


def test_a_tag_never_leads_out_of_the_folder():
    for tag in ("../a", "/a", ""):
        with pytest.raises(DataError, match="the tag names no file in a folder"):
            wav_of("wavs", tag)
