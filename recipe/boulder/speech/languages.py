"""The languages of Debian's `asterisk-core-sounds`: how texts are spelt and spoken, and where the packages keep their files."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from boulder.errors import ConfigError, nearest


@dataclass(frozen=True)
class Language:
    """
    :param code: in the names of the packages
    :param speaker: folder of the recordings
    :param letters: beyond a to z
    :param digits: words for 0 to 9
    :param symbols: symbol → how it is read aloud
    """

    code: str
    speaker: str
    letters: str
    digits: Sequence[str]
    symbols: Mapping[str, str] = field(default_factory=dict)

    @property
    def characters(self) -> str:
        """:return: all characters of a normalised text"""
        return f" '{string.ascii_lowercase}{self.letters}"

    @property
    def texts_package(self) -> str:
        """:return: Debian package of the texts"""
        return f"asterisk-core-sounds-{self.code}"

    @property
    def sounds_package(self) -> str:
        """:return: Debian package of the recordings, WAV with 8 kHz"""
        return f"{self.texts_package}-wav"


LANGUAGES = {
    language.code: language
    for language in (
        Language(
            code="en",
            speaker="en_US_f_Allison",
            letters="",
            digits=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            symbols={"*": "star", "#": "pound"},
        ),
        Language(
            code="es",
            speaker="es_MX_f_Allison",
            letters="áéíñóúü",
            digits=("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
        ),
        Language(
            code="fr",
            speaker="fr_CA_f_June",
            letters="àâæçèéêëîïôùûüœ",
            digits=("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
            symbols={"*": "étoile", "#": "dièse"},
        ),
        Language(
            code="it",
            speaker="it_IT_m_Carlo",
            letters="àèéìíòóùú",
            digits=("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"),
        ),
        Language(
            code="ru",
            speaker="ru_RU_f_IvrvoiceRU",
            letters="абвгдежзийклмнопрстуфхцчшщъыьэюяё",
            digits=("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
        ),
    )
}


def language(code: str) -> Language:
    """:raises ConfigError: for an unknown code"""
    if code not in LANGUAGES:
        raise ConfigError(f"language: found {code!r}, expected {', '.join(LANGUAGES)}{nearest(code, LANGUAGES)}")
    return LANGUAGES[code]


def characters(codes: Sequence[str]) -> str:
    """
    :param codes: of languages
    :return: the characters of all of them, sorted: the labels of a recogniser
    :raises ConfigError: for an unknown code
    """
    return "".join(sorted(set().union(*(language(code).characters for code in codes))))
