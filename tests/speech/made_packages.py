"""Folders as Debian's `asterisk-core-sounds` packages unpack to, with made-up recordings: a tone for each letter of the text."""

import gzip
import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from boulder.speech import language
from boulder.speech.prompts import SOUNDS

RATE = 8000
LETTER_SECONDS = 0.08

TEXTS = {
    "activated": "Activated.",
    "beep": "[this is a simple beep tone]",
    "digits/4": "four",
    "demo": "If you dial 1234, hang up.",
    "vm-press": "Press 4 or #!",
}


def write_wav(path: Path, text: str) -> None:
    """Writes one tone per character of `text`, as 16 bit mono WAV."""
    time = np.arange(int(LETTER_SECONDS * RATE)) / RATE
    tones = [np.sin(2 * np.pi * (200 + 40 * (ord(character) % 64)) * time) for character in text]
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((8000 * np.concatenate(tones)).astype("<i2").tobytes())


def write_packages(root: Path, code: str = "en", texts: Mapping[str, str] = TEXTS) -> None:
    """
    :param root: folder to write into
    :param texts: name of the recording → text
    """
    packages = language(code)
    for name, text in texts.items():
        write_wav(root / SOUNDS / packages.speaker / f"{name}.wav", text)
    listed = root / "usr/share/doc" / packages.texts_package / f"core-sounds-{code}.txt.gz"
    listed.parent.mkdir(parents=True)
    lines = ["; Core Asterisk Sounds", "", *(f"{name}: {text}" for name, text in texts.items())]
    listed.write_bytes(gzip.compress("\n".join(lines).encode("utf-8-sig")))
    (root / "usr/share/doc" / packages.sounds_package).mkdir()
