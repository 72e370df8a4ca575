"""Recordings with transcripts: their files, and the spoken prompts of Debian's `asterisk-core-sounds`. Without TensorFlow."""

from boulder.speech.languages import LANGUAGES, Language, characters, language
from boulder.speech.prompts import Prompts, read_prompts
from boulder.speech.spoken_text import spoken_text
from boulder.speech.transcripts import read_transcripts, write_transcripts

__all__ = [
    "LANGUAGES",
    "Language",
    "Prompts",
    "characters",
    "language",
    "read_prompts",
    "read_transcripts",
    "spoken_text",
    "write_transcripts",
]
