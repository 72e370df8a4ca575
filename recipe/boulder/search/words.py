"""Units of a hypothesis → words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from boulder.errors import ConfigError, nearest

UNITS = ("words", "bpe", "sentencepiece", "characters", "phonemes")
_END_OF_PIECE = re.compile(r"@@( |$)")


def check_units(units: object, with_lexicon: bool = False) -> None:
    """:raises ConfigError: for an unknown name, for phonemes without a lexicon, and for a lexicon without phonemes"""
    if units not in UNITS:
        raise ConfigError(f"units: found {units!r}, expected {', '.join(UNITS)}{nearest(str(units), UNITS)}")
    if with_lexicon != (units == "phonemes"):
        found = "a lexicon" if with_lexicon else "no lexicon"
        raise ConfigError(f"units: found {units!r} with {found}, expected a lexicon for 'phonemes', and only for them")


def words_of(text: str, units: str, remove: Collection[str] = ()) -> list[str]:
    """
    :param text: units separated by blanks; characters are not separated
    :param units: "words"; "bpe": `th@@ e c@@ at`; "sentencepiece": `▁the ▁c at`; "characters": `the cat`, or with a blank
        after each character and the symbol `▁` or `|` between words
    :param remove: units to remove, e.g. `</s>`
    """
    kept = text if units == "characters" and not remove else " ".join(u for u in text.split() if u not in remove)
    if units == "bpe":
        kept = _END_OF_PIECE.sub("", kept)
    elif units == "sentencepiece":
        kept = kept.replace(" ", "").replace("▁", " ")
    elif units == "characters" and all(len(unit) == 1 for unit in kept.split()) and ("▁" in kept or "|" in kept):
        kept = kept.replace(" ", "").replace("▁", " ").replace("|", " ")
    return kept.split()


def words_of_phonemes(
    text: str,
    pronunciations: Mapping[tuple[str, ...], str],
    word_end: str | None = "#",
    unknown: str = "<unk>",
    remove: Collection[str] = (),
) -> list[str]:
    """
    :param text: phonemes separated by blanks
    :param pronunciations: phonemes → word
    :param word_end: ends a word: as a symbol of its own, `DH AH # K AE T`, or as the end of the last phoneme,
        `DH AH# K AE T#`; None: the phonemes are those of one word
    :param unknown: word for phonemes that are no pronunciation
    :param remove: phonemes to remove, e.g. those of silence
    """
    words: list[str] = []
    phonemes: list[str] = []

    def end() -> None:
        if phonemes:
            words.append(pronunciations.get(tuple(phonemes), unknown))
            phonemes.clear()

    for symbol in text.split():
        if symbol in remove:
            continue
        if word_end is None or not symbol.endswith(word_end):
            phonemes.append(symbol)
            continue
        if phoneme := symbol.removesuffix(word_end):
            phonemes.append(phoneme)
        end()
    end()
    return words
