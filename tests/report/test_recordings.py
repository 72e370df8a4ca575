"""Recordings in the report: spectrograms, CTC posteriors, and sounds."""

import base64
import io
import json
import re

import numpy as np
import pytest
from matplotlib.image import imread

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import HdfWriter
from boulder.data.hdf.excerpt import at_regular_steps
from boulder.errors import DataError
from boulder.report import render
from boulder.report.panel_image import panel_image
from boulder.report.pictures import attention_panel, of_search, spectrogram_panel, view
from boulder.report.recordings import Panel

NAMES = ["a", "b", " "]
RAMP = np.linspace(-5, 3, 60, dtype="float32").reshape(12, 5)


def posteriors(path: str) -> np.ndarray:
    """:param path: a letter per frame; "-": the blank"""
    scores = np.full((len(path), 4), 0.1, "float32")
    for frame, letter in enumerate(path):
        scores[frame, 3 if letter == "-" else NAMES.index(letter)] = 0.7
    return scores


def recording(path: str = "-bb- aa-") -> dict:
    return of_search("a b", posteriors(path), NAMES, RAMP, list("a b"), 1.2)


def pixels(panel: dict) -> np.ndarray:
    """:return: [rows, frames, 4], from 0 to 1"""
    uri = panel_image(Panel(**panel))
    return imread(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def test_labels_of_the_best_path_are_rows_in_the_order_of_their_emission():
    found = recording()
    assert found["hypothesis"] == ["b", " ", "a"]
    (picture,) = [panel for panel in found["views"][0]["panels"] if panel["kind"] == "probabilities"]
    assert picture["rows"] == ["b", " ", "a", "–"]
    assert [(mark["frame"], mark["text"]) for mark in picture["marks"]] == [(1, "b"), (4, " "), (5, "a")]
    assert np.array(picture["values"]).shape == (4, 8)
    assert picture["values"][0] == [0.1, 0.7, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1]


def test_a_path_of_blanks_has_only_their_row():
    found = recording("----")
    assert found["hypothesis"] == []
    assert found["views"][0]["panels"][1]["rows"] == ["–"]


def test_low_frequencies_are_at_the_bottom_and_both_ends_of_the_scale_are_used():
    values = np.array(spectrogram_panel("s", RAMP, RAMP)["values"])
    assert values.shape == (5, 12)
    assert values[-1, 0] == 0
    assert values[0, -1] == 1
    assert (np.diff(values, axis=0) <= 0).all()


def test_spectrograms_of_one_scale_are_comparable():
    half = np.array(spectrogram_panel("s", RAMP - 8, RAMP)["values"])
    assert half.max() == 0
    assert np.array(spectrogram_panel("s", np.zeros((3, 4)), np.zeros((3, 4)))["values"]).max() == 0


def test_the_image_has_a_pixel_per_value_and_probabilities_are_opacities():
    attention = np.array([[1.0, 0.0], [0.6, 0.4], [0.0, 1.0]])
    opacity = pixels(attention_panel(attention, ["a", "b"]))[:, :, 3]
    np.testing.assert_allclose(opacity, attention.T, atol=1 / 255)
    bright = pixels(spectrogram_panel("s", RAMP, RAMP))[..., :3].sum(-1)
    assert bright.shape == (5, 12)
    assert bright[0, -1] > bright[2, 6] > bright[-1, 0]


def test_the_page_has_the_pictures_sounds_and_edits(unfinished):
    sound = view("predicted", recording()["views"][0]["panels"], 1.2, wav=b"RIFF____WAVEfmt ")
    page = render(unfinished | {"recordings": [recording(), {"title": "<spoken>", "views": [sound]}]})
    assert page.count("data:image/png;base64,") == 4
    assert page.count('<audio controls preload="metadata" src="data:audio/wav;base64,UklGR') == 1
    assert "media-src data:" in page
    assert "&lt;spoken&gt;" in page
    assert re.search(r"<h3>a b <small>2 edits</small></h3>", page)
    assert page.count("␣") > 1


def test_no_section_without_recordings(unfinished):
    assert 'id="recordings"' not in render(unfinished)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "waterfall"}, "found kind 'waterfall', expected 'spectrogram' or 'probabilities'"),
        ({"values": [[0.1, 0.2], [0.3]]}, "found 2 rows of 1 or 2 values, expected rows of one length above 0"),
        ({"values": []}, "found 0 rows of no values"),
        ({"values": [[0.5, 1.5]]}, "found the value 1.5, expected values between 0 and 1"),
        ({"rows": ["a", "b"]}, "found 2 names of rows, expected 1"),
        ({"marks": [{"frame": 2, "text": "x"}]}, "found the mark 'x' at frame 2, expected 0 to 1"),
    ],
)
def test_parts_of_a_panel_must_fit_each_other(unfinished, change, message):
    panel = {"kind": "spectrogram", "caption": "c", "values": [[0.0, 1.0]]} | change
    wrong = {"title": "t", "views": [{"caption": "v", "panels": [panel]}]}
    with pytest.raises(
        DataError, match=re.escape("report.recordings[0] ('t').views[0].panels[0]: ") + re.escape(message)
    ):
        render(unfinished | {"recordings": [wrong]})


@pytest.mark.parametrize("wav", ["T2dnUw==", "no base64!"])
def test_a_sound_must_be_a_wav_file(unfinished, wav):
    wrong = {"title": "t", "views": [{"caption": "v", "panels": [], "wav": wav}]}
    with pytest.raises(DataError, match="expected a WAV file in base64"):
        render(unfinished | {"recordings": [wrong]})


@pytest.mark.parametrize(("count", "most", "expected"), [(10, 3, [0, 3, 6]), (2, 5, [0, 1]), (0, 5, [])])
def test_recordings_are_taken_at_regular_steps(count, most, expected):
    assert at_regular_steps(count, most) == expected


STREAMS = {"data": {"dim": 4}, "features": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    return tmp_path


def run_job(in_tmp, streams=STREAMS, labels=None):
    from jobs.ctc_pictures import CtcPicturesJob
    from sisyphus import tk

    written = {"data": posteriors("-bb- aa-"), "features": RAMP, "classes": np.array([0, 2, 1])}
    with HdfWriter(in_tmp / "forward.hdf", streams, labels) as writer:
        for tag in "xyz":
            writer.write(tag, {key: written[key] for key in streams})
    job = CtcPicturesJob(forward=tk.Path(str(in_tmp / "forward.hdf")), seconds_per_frame=0.1, num=2)
    job._sis_setup_directory()
    job.run()
    with open(job.out_recordings.get_path()) as file:
        return json.load(file)


def test_the_job_reads_what_a_forward_job_has_written(in_tmp):
    assert run_job(in_tmp, labels={"classes": NAMES}) == [recording()] * 2


def test_a_missing_stream_or_missing_names_are_named(in_tmp):
    with pytest.raises(DataError, match=r"forward.hdf: found no stream 'classes'.*, only data, features"):
        run_job(in_tmp, {key: STREAMS[key] for key in ("data", "features")})
    with pytest.raises(DataError, match="found posteriors of 4 labels, expected 2 labels and the blank"):
        of_search("t", posteriors("ab"), ["a", "b"], RAMP, [], 1.0)
