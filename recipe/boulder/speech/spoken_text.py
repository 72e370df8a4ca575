"""Written prompts as they are spoken: lower case, digits and symbols as words, no punctuation."""

import re

from boulder.errors import DataError
from boulder.speech.languages import Language

_NOTE = re.compile(r"\[[^]]*\]|\([^)]*\)|<[^>]*>")  # such as [this is an error beep tone]
_AMBIGUOUS = re.compile(r"\d\d|\d[.,]\d|\bwww\b")
_APOSTROPHES = str.maketrans("’‘`´", "''''")


def spoken_text(text: str, language: Language) -> str | None:
    """
    :param text: as written
    :return: words separated by blanks, of `language.characters` only; None if nothing is spoken, and for a number of several
        digits or a web address, which can be read aloud in several ways
    :raises DataError: for a letter that the language does not have
    """
    text = _NOTE.sub(" ", text.lower())
    if _AMBIGUOUS.search(text):
        return None
    text = re.sub("[0-9]", lambda digit: f" {language.digits[int(digit[0])]} ", text.translate(_APOSTROPHES))
    for symbol, word in language.symbols.items():
        text = text.replace(symbol, f" {word} ")
    for character in text:
        if character.isalnum() and character not in language.characters:
            raise DataError(f"text {text.strip()!r:.60}: {character!r} is no letter of the language {language.code!r}")
    words = "".join(character if character in language.characters else " " for character in text).split()
    words = [word for word in words if word.strip("'")]  # an apostrophe alone is a quotation mark
    return " ".join(words) or None
