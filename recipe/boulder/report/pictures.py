"""Recordings for the report, from data sets that a network has written."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from boulder.counted import counted
from boulder.data.hdf.excerpt import excerpt, label_names
from boulder.errors import DataError
from boulder.speech.mel_frames import MelFrames
from boulder.speech.spoken import wav_of

BLANK = "–"
"""name of the row of the blank"""


def recognised(path: str, seconds_per_frame: float, most: int) -> list[dict[str, Any]]:
    """
    :param path: HDF file with the streams `data` (posteriors of labels and the blank), `features` (frequencies ascending)
        and `classes` (true labels, with their names)
    :param seconds_per_frame: of `features`
    :param most: largest number of recordings, at regular steps
    :return: plain data of `boulder.report.recordings.Recording`s, titled by their true labels
    :raises DataError: if a stream, or the names of the labels, are missing
    """
    sequences, names = excerpt(path, ["data", "features", "classes"], most), label_names(path, "classes")
    found = []
    for sequence in sequences.values():
        spectrogram = sequence["features"]
        reference = [names[label] for label in sequence["classes"]]
        seconds = len(spectrogram) * seconds_per_frame
        found.append(of_search("".join(reference), sequence["data"], names, spectrogram, reference, seconds))
    return found


def synthesised(
    path: str, predicted: Mapping[str, str], wavs: Mapping[str, str], mel: MelFrames, most: int
) -> list[dict[str, Any]]:
    """
    :param path: HDF file with the streams `data` (labels of a text, with their names) and `spectrogram` (mel frames)
    :param predicted: caption → HDF file with the streams `data` (mel frames) and `attention` ([frames · labels], weights)
    :param wavs: caption, or "true" → folder of sounds, see `boulder.speech.spoken`
    :param most: largest number of recordings, at regular steps
    :return: plain data of `boulder.report.recordings.Recording`s, titled by their texts
    :raises DataError: if a stream or a sequence is missing, or the names of the labels
    """
    names = label_names(path, "data")
    outputs = {caption: excerpt(file, ["data", "attention"], most) for caption, file in predicted.items()}
    found = []
    for tag, sequence in excerpt(path, ["data", "spectrogram"], most).items():
        text = [names[label] for label in sequence["data"]]
        true = mel.spectrogram(sequence["spectrogram"])
        views = [_sounding_view("true", [spectrogram_panel("mel spectrogram", true, true)], len(true), mel, wavs, tag)]
        for caption, of_tag in outputs.items():
            if tag not in of_tag:
                raise DataError(f"{predicted[caption]}: found no sequence {tag!r}, which {path} has")
            frames = mel.spectrogram(of_tag[tag]["data"])
            panels = []
            if len(frames):
                weights = of_tag[tag]["attention"].reshape(-1, len(text))
                panels = [spectrogram_panel("mel spectrogram", frames, true), attention_panel(weights, text)]
            views.append(_sounding_view(caption, panels, len(frames), mel, wavs, tag))
        found.append({"title": "".join(text[:-1]), "views": views})
    return found


def _sounding_view(
    caption: str, panels: Sequence[Mapping[str, Any]], frames: int, mel: MelFrames, wavs: Mapping[str, str], tag: str
) -> dict[str, Any]:
    wav = wav_of(wavs[caption], tag).read_bytes() if caption in wavs else None
    return view(caption, panels, frames * mel.seconds, wav)


def of_search(
    title: str,
    posteriors: np.ndarray,
    names: Sequence[str],
    spectrogram: np.ndarray,
    reference: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    """
    A recording that a CTC network has recognised: its spectrogram, and the posteriors of the labels of the best path.

    :param posteriors: [T', labels + blank], probabilities
    :param names: of the labels, without the blank, which is the last one
    :param spectrogram: [T, F], frequencies ascending
    :param reference: true labels
    :param seconds: duration
    :return: plain data of a `boulder.report.recordings.Recording`
    :raises DataError: if the number of names does not fit the posteriors
    """
    blank = posteriors.shape[1] - 1
    if len(names) != blank:
        raise DataError(
            f"{title!r}: found posteriors of {counted(blank + 1, 'label')}, expected {counted(len(names), 'label')} and the blank"
        )
    best = posteriors.argmax(axis=1)
    emitted = np.flatnonzero((np.diff(best, prepend=-1) != 0) & (best != blank))
    rows = list(dict.fromkeys(best[emitted].tolist()))  # in the order of the first emission: a staircase
    marks = [{"frame": int(frame), "text": names[best[frame]]} for frame in emitted]
    panels = [
        spectrogram_panel("spectrogram", spectrogram, spectrogram),
        {
            "kind": "probabilities",
            "caption": "CTC posteriors of the decoded labels",
            "values": _rounded(posteriors[:, [*rows, blank]].T),
            "rows": [*(names[label] for label in rows), BLANK],
            "marks": marks,
        },
    ]
    return {
        "title": title,
        "views": [{"caption": "recognised", "panels": panels, "seconds": round(seconds, 3)}],
        "hypothesis": [mark["text"] for mark in marks],
        "reference": list(reference),
    }


def spectrogram_panel(caption: str, spectrogram: np.ndarray, scale: np.ndarray) -> dict[str, Any]:
    """
    :param spectrogram: [T, F], logarithmic, frequencies ascending
    :param scale: its smallest and largest value become black and white; the same for panels that are to be compared
    :return: plain data of a `boulder.report.recordings.Panel`
    """
    low, high = float(scale.min()), float(scale.max())
    values = np.clip((spectrogram - low) / ((high - low) or 1.0), 0, 1)
    return {"kind": "spectrogram", "caption": caption, "values": _rounded(values.T[::-1])}


def attention_panel(weights: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """
    :param weights: [T, N], for each frame of the decoder
    :param names: of the N input frames, from top to bottom
    :return: plain data of a `boulder.report.recordings.Panel`
    """
    values = np.clip(weights, 0, 1).T
    return {"kind": "probabilities", "caption": "attention", "values": _rounded(values), "rows": list(names)}


def view(caption: str, panels: Sequence[Mapping[str, Any]], seconds: float, wav: bytes | None = None) -> dict[str, Any]:
    """
    :param wav: content of a WAV file
    :return: plain data of a `boulder.report.recordings.View`
    """
    sound = {} if wav is None else {"wav": base64.b64encode(wav).decode()}
    return {"caption": caption, "panels": list(panels), "seconds": round(seconds, 3), **sound}


def _rounded(values: np.ndarray) -> list[list[float]]:
    return np.round(values.astype("float64"), 3).tolist()
