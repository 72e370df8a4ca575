"""Recordings in the report: spectrograms, posteriors and attention weights over time, and sounds."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from boulder.errors import DataError

KINDS = ("spectrogram", "probabilities")


@dataclass(frozen=True)
class Mark:
    """
    :param frame: column of the picture, from 0
    :param text: e.g. the label that a search found there
    """

    frame: int
    text: str


@dataclass(frozen=True)
class Panel:
    """
    A matrix as a picture; time goes from left to right.

    :param kind: "spectrogram" or "probabilities", which have different colours
    :param caption: e.g. "CTC posteriors"
    :param values: rows from top to bottom; each row has a value between 0 and 1 per frame
    :param rows: names of the rows; [] for none
    :param marks: texts below the picture
    """

    kind: str
    caption: str
    values: list[list[float]]
    rows: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def check(self, where: str) -> None:
        """:raises DataError: if the values are not a matrix of numbers between 0 and 1, or other parts do not fit them"""
        if self.kind not in KINDS:
            raise DataError(f"{where}: found kind {self.kind!r}, expected {' or '.join(map(repr, KINDS))}")
        widths = sorted({len(row) for row in self.values})
        if len(widths) != 1 or widths == [0]:
            found = " or ".join(map(str, widths)) or "no"
            raise DataError(
                f"{where}: found {len(self.values)} rows of {found} values, expected rows of one length above 0"
            )
        if self.rows and len(self.rows) != len(self.values):
            raise DataError(f"{where}: found {len(self.rows)} names of rows, expected {len(self.values)}")
        for value in (value for row in self.values for value in row):
            if not 0 <= value <= 1:
                raise DataError(f"{where}: found the value {value}, expected values between 0 and 1")
        for mark in self.marks:
            if not 0 <= mark.frame < widths[0]:
                raise DataError(
                    f"{where}: found the mark {mark.text!r} at frame {mark.frame}, expected 0 to {widths[0] - 1}"
                )


@dataclass(frozen=True)
class View:
    """
    Panels below each other, which share their time axis, and their sound.

    :param caption: e.g. "predicted"
    :param seconds: duration; None: unknown
    :param wav: a WAV file, base64; None: no sound
    """

    caption: str
    panels: list[Panel]
    seconds: float | None = None
    wav: str | None = None

    def check(self, where: str) -> None:
        """:raises DataError: see `Panel.check`; or if `wav` is no WAV file"""
        for number, panel in enumerate(self.panels):
            panel.check(f"{where}.panels[{number}]")
        try:
            is_wav = self.wav is None or base64.b64decode(self.wav[:16], validate=True).startswith(b"RIFF")
        except binascii.Error:
            is_wav = False
        if not is_wav:
            raise DataError(f"{where}: found 'wav' {self.wav!r:.40}, expected a WAV file in base64")


@dataclass(frozen=True)
class Recording:
    """
    :param title: e.g. the text that is spoken
    :param views: side by side where the page is wide enough
    :param hypothesis: decoded labels; None: nothing was decoded
    :param reference: true labels
    """

    title: str
    views: list[View]
    hypothesis: list[str] | None = None
    reference: list[str] = field(default_factory=list)

    def check(self, where: str) -> None:
        """:raises DataError: see `View.check`"""
        for number, view in enumerate(self.views):
            view.check(f"{where} ({self.title!r}).views[{number}]")
