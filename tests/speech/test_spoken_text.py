"""Texts as they are spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError, DataError
from boulder.speech import LANGUAGES, characters, language, spoken_text


@pytest.mark.parametrize(
    ("code", "written", "spoken"),
    [
        ("en", "Press 1, or # - it's 3D!", "press one or pound it's three d"),
        ("en", "dash [-]", "dash"),
        ("en", "keywords separated by * and 'then'", "keywords separated by star and 'then'"),
        ("en", "the time is ' now", "the time is now"),
        ("es", "Marque 2 (tono).", "marque dos"),
        ("fr", "L’étoile et #", "l'étoile et dièse"),
        ("it", "c’è attivare/disattivare", "c'è attivare disattivare"),
        ("ru", "Нажмите «решётку» – 0", "нажмите решётку ноль"),
    ],
)
def test_digits_and_symbols_are_words_and_punctuation_goes(code, written, spoken):
    assert spoken_text(written, language(code)) == spoken


@pytest.mark.parametrize(
    "text", ["[sound of monkeys]", "(10 seconds of silence)", "<beep>", "...", "dial 500", "28.8", "www.x.org"]
)
def test_a_text_that_says_nothing_or_may_be_read_in_several_ways_is_none(text):
    assert spoken_text(text, language("en")) is None


def test_a_letter_of_another_language_is_an_error():
    with pytest.raises(DataError, match="text 'activé': 'é' is no letter of the language 'en'"):
        spoken_text("Activé", language("en"))


def test_an_unknown_language_is_an_error_that_names_the_nearest():
    with pytest.raises(ConfigError, match="language: found 'eng', expected en, es, fr, it, ru; did you mean 'en'"):
        language("eng")


def test_labels_are_sorted_and_each_language_has_its_own():
    assert characters(["en"]) == " 'abcdefghijklmnopqrstuvwxyz"
    assert set(characters(list(LANGUAGES))) == set().union(*(of.characters for of in LANGUAGES.values()))
    assert list(characters(["ru", "en"])) == sorted(characters(["en", "ru"]))


@given(st.sampled_from(list(LANGUAGES.values())), st.data())
def test_a_spoken_text_has_only_the_language_s_characters_and_stays_as_it_is(of, data):
    signs = st.sampled_from([*of.characters, *of.characters.upper(), *"0123456789*#.,!?-[]()<>“”’"])
    spoken = spoken_text(data.draw(st.text(signs, max_size=30)), of)
    if spoken is not None:
        assert set(spoken) <= set(of.characters)
        assert spoken == " ".join(spoken.split())
        assert spoken_text(spoken, of) == spoken
