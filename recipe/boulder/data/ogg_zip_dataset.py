"""`OggZipDataset`: recordings in zip files, with their transcripts. Options and rules are RETURNN's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boulder.data.audio.audio_features import AudioFeatures, audio_files
from boulder.data.audio.ogg_zip_files import OggZipFiles
from boulder.data.audio.ogg_zip_index import OggZipIndex
from boulder.data.audio.sound import decode, read_header
from boulder.data.dataset import Dataset, dataset_class
from boulder.data.lazy_lengths import LazyLengths
from boulder.data.matching import matched_streams
from boulder.data.option_checks import check_file, check_flags, is_number
from boulder.data.option_kinds import PATH, PATHS, files_in
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.data.tag_files import none_listed, read_tags, warn_of_missing
from boulder.data.text.text_processing import text_processing
from boulder.data.vocabulary import open_vocabulary, vocabulary_files
from boulder.errors import DataError, named, nearest

_THREADS = 8  # that read headers
_BYTES = 256  # labels of "orth"


@dataset_class("OggZipDataset")
@dataclass(kw_only=True, eq=False)
class OggZipDataset(Dataset):
    """
    Streams: "data" are the features of the audio, "classes" the labels of the transcript, "orth" its bytes in UTF-8. Keeps the
    transcripts in memory, never the audio.

    :param path: zip files, and `NAME.txt.gz` with the index for `NAME.zip` in place of the one in the zip file; or one folder
        with `FOLDER.txt` beside it
    :param audio: options of the features, see "Audio"; {} for their defaults; None: there is no "data"
    :param targets: see "Vocabularies"; None: there are no "classes"
    :param targets_post_process: what happens to the text before the vocabulary: a function text → text, one of RETURNN's names
        such as "lowercase" or "get_remove_chars(',/')", or a list of them
    :param content_name: name of the data set within the zip file, or a list of them: `NAME.txt` is the index, and the files are
        in the folder `NAME/`; None: the name of the zip file
    :param resolve_symlink_for_name: whether that is the name of the file that a symbolic link points at
    :param zip_audio_files_have_name_as_prefix: False: the files are not in a folder `NAME/`
    :param segment_file: a file with the tags of the sequences to use, as for `seq_list_filter_file`
    :param fixed_random_subset: use so many sequences, or this fraction below 1, drawn once for all epochs; None or 0: all
    :param fixed_random_subset_seed: of these draws
    """

    path: Sequence[str | os.PathLike[str]] = field(metadata=PATHS)
    audio: Mapping[str, Any] | None = field(default=None, metadata=files_in(audio_files))
    targets: Mapping[str, Any] | None = field(default=None, metadata=files_in(vocabulary_files))
    targets_post_process: Callable[[str], str] | str | Sequence | None = None
    content_name: str | Sequence[str] | None = None
    resolve_symlink_for_name: bool = False
    zip_audio_files_have_name_as_prefix: bool = True
    segment_file: str | None = field(default=None, metadata=PATH)
    fixed_random_subset: float | None = None
    fixed_random_subset_seed: int = 42

    def __post_init__(self) -> None:
        super().__post_init__()
        check_file("segment_file", self.segment_file)
        check_flags(self, ["resolve_symlink_for_name", "zip_audio_files_have_name_as_prefix"])
        subset = self.fixed_random_subset or 0
        if not is_number(subset) or subset < 0 or (subset > 1 and subset % 1):
            raise DataError(f"fixed_random_subset: found {subset!r:.60}, expected a fraction, or a number of sequences")
        with named("audio"):
            self._features = None if self.audio is None else AudioFeatures.of(self.audio)
        with named("targets"):
            self._vocabulary = None if self.targets is None else open_vocabulary(self.targets)
        with named("targets_post_process"):
            self._processed = text_processing(self.targets_post_process)
        self._files = OggZipFiles(
            self.path, self.content_name, self.resolve_symlink_for_name, self.zip_audio_files_have_name_as_prefix
        )

    @classmethod
    def further_files(cls, options: Mapping[str, Any]) -> list[str]:
        """The index of a folder."""
        paths = (path.get_path() if hasattr(path, "get_path") else os.fspath(path) for path in options["path"])
        return [f"{path}.txt" for path in paths if os.path.isfile(f"{path}.txt")]

    def check(self) -> None:
        if self._features is not None:
            with named("audio"):
                self._features.check()
        if self._vocabulary is not None:
            with named("targets"):
                self._vocabulary.check()
        _ = self._index
        for key, stream in (self.wanted or {}).items():
            self._matched(key, stream)
        if "data" in self.streams:
            self._files.check(self._index)

    def close(self) -> None:
        self._files.close()

    @property
    def stream_names(self) -> list[str]:
        given = {"data": self.audio, "classes": self.targets}
        return [*(key for key, options in given.items() if options is not None), "orth", "raw"]

    @property
    def streams(self) -> dict[str, Stream]:
        if self.wanted is None:
            return dict(self._known_streams)
        return {key: self._matched(key, stream) for key, stream in self.wanted.items()}

    @property
    def num_seqs(self) -> int:
        return len(self._index.tags)

    @property
    def lengths(self) -> Mapping[str, np.ndarray]:
        return {key: self._lengths_of(key) for key in self.streams}

    @property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        """With that of "raw", the text as one value, which RETURNN counts, too. Each is measured when it is asked for."""
        return LazyLengths((*self._known_streams, "raw"), self._lengths_of)

    @property
    def ordering_lengths(self) -> np.ndarray:
        """int64 [N]: `duration` in the index, in hundredths of a second"""
        return (self._index.durations * 100).astype("int64")

    @property
    def order_lengths(self) -> np.ndarray:
        """[N]: of `order_stream`; if only the features tell the number of frames, those of the index"""
        if self.streamed and self.order_stream == "data":
            return self.ordering_lengths
        return self._lengths_of(self.order_stream)

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        streams = self.streams
        return [
            {
                key: self._array(int(i), key, self._numbers(1), self._numbers(1)).astype(stream.dtype, copy=False)
                for key, stream in streams.items()
            }
            for i in indices
        ]

    @property
    def reads_in_threads(self) -> bool:
        return True

    @property
    def streamed(self) -> bool:
        """Whether frames or labels depend on the epoch, or only the features tell how many frames there are."""
        features, vocabulary = self._features, self._vocabulary
        of_features = features is not None and (features.is_random or features.post_process is not None)
        return of_features or (vocabulary is not None and vocabulary.is_random)

    @property
    def order_selects(self) -> bool:
        """The order decides which random numbers a sequence has."""
        return super().order_selects or self.streamed

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        """As in RETURNN, the random numbers of a sequence are those that follow on all that were drawn before it."""
        if not self.streamed:
            yield from super().in_order(order, epoch, seed, start)
            return
        audio, text = self._numbers(epoch), self._numbers(epoch)
        for index in order[:start].tolist():
            if self._features is not None and not self._features.skip(audio):
                self._frames(index, audio)
            if self._vocabulary is not None and self._vocabulary.is_random:
                self._labels(index, text)
        streams = self.streams
        for index in order[start:].tolist():
            arrays = {key: self._array(index, key, audio, text) for key in self._known_streams}
            data = {key: arrays[key].astype(stream.dtype, copy=False) for key, stream in streams.items()}
            lengths = {key: len(array) for key, array in arrays.items()}
            yield ReadSequence(self._index.tags[index], data, lengths | {"raw": 1})

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        return [self._index.tags[int(i)] for i in indices]

    def label_names(self, key: str) -> list[str] | None:
        if key == "orth":
            return [chr(byte) for byte in range(_BYTES)]
        return list(self._vocabulary.names) if key == "classes" and self._vocabulary is not None else None

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(sorted(self.streams.items())).encode())
        digest.update(self._files.fingerprint().encode())
        files = [self.segment_file] if self.segment_file else []
        files += [
            *(self._features.files if self._features else []),
            *(self._vocabulary.files if self._vocabulary else []),
        ]
        for file in files:
            digest.update(Path(file).read_bytes())
        return digest.hexdigest()

    # Sequences

    @cached_property
    def _index(self) -> OggZipIndex:
        index = self._files.index(needs_audio=self._features is not None)
        if self.segment_file is not None:
            index = self._listed(index, self.segment_file)
        if self.fixed_random_subset:
            index = index.subset(self._drawn(len(index.tags), self.fixed_random_subset))
        return index

    @staticmethod
    def _listed(index: OggZipIndex, file: str) -> OggZipIndex:
        wanted = set(read_tags(file))
        kept = [i for i, tag in enumerate(index.tags) if tag in wanted]
        if not kept:
            raise none_listed(file, index.tags[:3])
        warn_of_missing(file, sorted(wanted.difference(index.tags)), len(wanted))
        return index.subset(kept)

    def _drawn(self, count: int, subset: float) -> list[int]:
        order = list(range(count))
        np.random.RandomState(self.fixed_random_subset_seed).shuffle(order)
        number = int(count * subset) if subset < 1 else int(subset)
        if not number:
            raise DataError(f"fixed_random_subset: found {subset} of {count} sequences, expected at least one")
        return order[:number]

    # Streams

    @cached_property
    def _known_streams(self) -> dict[str, Stream]:
        streams = [Stream("orth", _BYTES, sparse=True, dtype="uint8")]
        if self._vocabulary is not None:
            streams.insert(0, Stream("classes", len(self._vocabulary.names), sparse=True))
        if self._features is not None:
            streams.insert(0, Stream("data", self._features.dim, sparse=False))
        return {stream.key: stream for stream in streams}

    def _matched(self, key: str, stream: Stream) -> Stream:
        """:return: the stream, with its dimension"""
        known = self._known_streams
        if key not in known:
            hint = {"data": "without 'audio'", "classes": "without 'targets'"}.get(key, f"only {', '.join(known)}")
            hint = "as text, which a network cannot read; 'orth' has its bytes" if key == "raw" else hint
            raise DataError(f"found no stream {key!r} {hint}, expected {stream}{nearest(key, known)}")
        where = {"data": "audio", "classes": f"targets: {self._vocabulary.where}" if self._vocabulary else ""}
        return matched_streams(where.get(key, "text"), {key: known[key]}, {key: stream})[key]

    def _numbers(self, epoch: int) -> np.random.RandomState:
        """:return: RETURNN's random numbers of an epoch"""
        return np.random.RandomState(self.random_seed(epoch))

    def _array(self, index: int, key: str, audio: np.random.RandomState, text: np.random.RandomState) -> np.ndarray:
        """
        :param audio: random numbers of the features
        :param text: random numbers of the vocabulary
        """
        if key == "orth":
            return np.frombuffer(self._index.texts[index].encode(), "uint8")
        return self._frames(index, audio) if key == "data" else np.array(self._labels(index, text), "int32")

    def _frames(self, index: int, numbers: np.random.RandomState) -> np.ndarray:
        """:return: [T, D], features of the audio"""
        assert self._features is not None  # there is a stream "data"
        with self._named(index):
            audio, sample_rate = decode(self._files.read(self._index, index))
            return self._features.compute(audio, sample_rate, self._index.tags[index], numbers)

    def _labels(self, index: int, numbers: np.random.RandomState) -> list[int]:
        """:return: class indices of the transcript"""
        assert self._vocabulary is not None  # there is a stream "classes"
        with self._named(index):
            return self._vocabulary.label_ids(self._processed(self._index.texts[index]), numbers)

    def _lengths_of(self, key: str) -> np.ndarray:
        """:return: int32 [N]"""
        if key not in self._lengths:
            if key == "raw":
                self._lengths[key] = np.ones(self.num_seqs, "int32")
            elif key == "data":
                with ThreadPoolExecutor(_THREADS) as pool:
                    found = list(pool.map(self._num_frames, range(self.num_seqs)))
                self._lengths[key] = np.array(found, "int32")
            else:
                numbers = self._numbers(1)
                found = [len(self._array(index, key, numbers, numbers)) for index in range(self.num_seqs)]
                self._lengths[key] = np.array(found, "int32")
        return self._lengths[key]

    @cached_property
    def _lengths(self) -> dict[str, np.ndarray]:
        return {}

    def _num_frames(self, index: int) -> int:
        assert self._features is not None  # there is a stream "data"
        with self._named(index), self._files.open(self._index, index) as file:
            frames = self._features.num_frames(read_header(file))
        return len(self._frames(index, self._numbers(1))) if frames is None else frames

    def _named(self, index: int) -> AbstractContextManager[None]:
        """:return: context in which messages of errors begin with the zip file and the tag of the sequence"""
        return named(f"{self._files.path_of(self._index, index)}: sequence {self._index.tags[index]!r}")
