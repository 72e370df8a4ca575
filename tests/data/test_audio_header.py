"""The header of an audio file tells what libsndfile finds when it decodes the file."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.data.audio.header import Header, parse_header
from boulder.data.audio.sound import read_header

FORMATS = [
    *(("WAV", subtype) for subtype in ("PCM_16", "PCM_U8", "PCM_24", "FLOAT", "DOUBLE")),
    *(("WAVEX", "PCM_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("AIFF", "PCM_16")),
    ("OGG", "OPUS"),
]


def encoded(samples: int, rate: int, channels: int, kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    audio = np.random.default_rng(samples).uniform(-0.5, 0.5, (samples, channels))
    soundfile.write(file, audio, rate, format=kind, subtype=subtype)
    return file.getvalue()


@settings(deadline=None, max_examples=60)
@given(
    samples=st.integers(1, 30000),
    rate=st.sampled_from([8000, 16000, 48000]),
    channels=st.sampled_from([1, 2]),
    form=st.sampled_from(FORMATS),
)
def test_headers_are_those_of_the_decoded_file(samples, rate, channels, form):
    content = encoded(samples, rate, channels, *form)
    audio, found_rate = soundfile.read(io.BytesIO(content), always_2d=True)
    assert read_header(io.BytesIO(content)) == Header(len(audio), found_rate, audio.shape[1])


def test_the_usual_formats_need_no_decoder(monkeypatch):
    contents = [encoded(900, 16000, 1, kind, subtype) for kind, subtype in FORMATS[:9]]
    monkeypatch.setattr("boulder.data.audio.sound._opened", None)
    assert {read_header(io.BytesIO(content)) for content in contents} == {Header(900, 16000, 1)}


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_a_header_of_a_part_of_a_file_is_none_or_that_of_the_whole(kind):
    content = encoded(3000, 8000, 1, kind, {"OGG": "VORBIS"}.get(kind, "PCM_16"))
    for size in range(0, len(content), 7):
        found = parse_header(io.BytesIO(content[:size]))
        assert found is None or (found.sample_rate, found.num_channels) == (8000, 1)
