"""Prompts of Debian's `asterisk-core-sounds`: recordings and their texts, from the unpacked packages."""

from dataclasses import dataclass
from pathlib import Path

from boulder.errors import DataError
from boulder.file_content import read_text
from boulder.speech.languages import Language
from boulder.speech.spoken_text import spoken_text

SOUNDS = "usr/share/asterisk/sounds"
"""Folder of all speakers within the root of the packages."""

_NOISES = {
    "ascending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave", "descending-2tone", "tt-monkeys",
}  # fmt: skip
"""Recordings without speech in every language; the Italian list describes some of them like speech."""


@dataclass(frozen=True)
class Prompts:
    """
    :param transcripts: recording, relative to `SOUNDS` and without ending → normalised text
    :param without_text: recordings that the list of texts lacks, or has twice with different texts
    :param unclear: recordings whose text says nothing, or not how it is spoken
    """

    transcripts: dict[str, str]
    without_text: list[str]
    unclear: list[str]


def read_prompts(root: Path, language: Language) -> Prompts:
    """
    :param root: folder of the unpacked packages
    :raises DataError: if a package is missing, or a text is of another language
    """
    folder = root / SOUNDS / language.speaker
    recordings = sorted(folder.rglob("*.wav"))
    if not recordings:
        raise DataError(f"{folder}: found no recordings, expected those of the package {language.sounds_package}")
    texts = _texts(root / f"usr/share/doc/{language.texts_package}/core-sounds-{language.code}.txt.gz")
    prompts = Prompts({}, [], [])
    for path in recordings:
        in_list = path.relative_to(folder).with_suffix("").as_posix()
        name = f"{language.speaker}/{in_list}"
        if (text := texts.get(in_list)) is None:
            prompts.without_text.append(name)
        elif in_list in _NOISES or (spoken := spoken_text(text, language)) is None:
            prompts.unclear.append(name)
        else:
            prompts.transcripts[name] = spoken
    return prompts


def _texts(path: Path) -> dict[str, str | None]:
    """:return: name of a recording → its text, None if there are several; lines are `name: text`, or comments after `;`"""
    lines = read_text(path).removeprefix("\ufeff").splitlines()
    texts: dict[str, str | None] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(";"):
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise DataError(f"{path}, line {number}: found {line!r:.60}, expected name: text")
        text = text.strip().removeprefix(f"{name}:")  # the Russian list has a name twice in a line
        texts[name] = text if texts.get(name, text) == text else None
    return texts
