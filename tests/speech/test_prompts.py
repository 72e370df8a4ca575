"""Prompts of unpacked packages."""

import gzip

import pytest

from boulder.errors import DataError
from boulder.speech import language, read_prompts
from boulder.speech.prompts import SOUNDS
from tests.speech.made_packages import write_packages, write_wav

EN = language("en")


def test_recordings_have_normalised_texts_and_the_others_are_named(tmp_path):
    write_packages(tmp_path)
    write_wav(tmp_path / SOUNDS / EN.speaker / "extra.wav", "x")
    prompts = read_prompts(tmp_path, EN)
    assert prompts.transcripts == {
        "en_US_f_Allison/activated": "activated",
        "en_US_f_Allison/digits/4": "four",
        "en_US_f_Allison/vm-press": "press four or pound",
    }
    assert prompts.unclear == ["en_US_f_Allison/beep", "en_US_f_Allison/demo"]
    assert prompts.without_text == ["en_US_f_Allison/extra"]


def test_a_noise_is_not_speech_whatever_its_text_says(tmp_path):
    write_packages(tmp_path, "it", texts={"beeperr": "Tono di errore.", "uno": "uno"})
    prompts = read_prompts(tmp_path, language("it"))
    assert prompts.transcripts == {"it_IT_m_Carlo/uno": "uno"}
    assert prompts.unclear == ["it_IT_m_Carlo/beeperr"]


def test_a_name_with_two_texts_has_none_and_a_repeated_name_is_not_part_of_the_text(tmp_path):
    write_packages(tmp_path, texts={"a": "one", "b": "two"})
    (listed,) = tmp_path.rglob("core-sounds-en.txt.gz")
    listed.write_bytes(gzip.compress(b"a: one\na: other\nb: b: two\nb: b: two\n"))
    prompts = read_prompts(tmp_path, EN)
    assert prompts.transcripts == {"en_US_f_Allison/b": "two"}
    assert prompts.without_text == ["en_US_f_Allison/a"]


def test_a_missing_package_is_an_error_that_names_it(tmp_path):
    with pytest.raises(
        DataError, match="found no recordings, expected those of the package asterisk-core-sounds-en-wav"
    ):
        read_prompts(tmp_path, EN)
    write_packages(tmp_path)
    (listed,) = tmp_path.rglob("core-sounds-en.txt.gz")
    listed.write_bytes(listed.read_bytes()[:20])
    with pytest.raises(DataError, match=r"core-sounds-en\.txt\.gz: cannot be read"):
        read_prompts(tmp_path, EN)
    listed.write_bytes(gzip.compress(b"; heading\nactivated\n"))
    with pytest.raises(DataError, match=r"line 2: found 'activated', expected name: text"):
        read_prompts(tmp_path, EN)
