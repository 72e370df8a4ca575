"""`OggZipDataset`: recordings in zip files, with their transcripts. Options and rules are RETURNN's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boulder.data.audio.archive import Archive, FolderArchive, ZipArchive, read_gzip
from boulder.data.audio.audio_features import AudioFeatures, audio_files
from boulder.data.audio.ogg_zip_index import OggZipIndex, read_index
from boulder.data.audio.sound import decode, read_header
from boulder.data.dataset import PATH, PATHS, Dataset, dataset_class, files_in
from boulder.data.order_options import check_one_file
from boulder.data.streams import Stream
from boulder.data.tag_files import read_tags
from boulder.data.vocabulary import open_vocabulary, vocabulary_files
from boulder.errors import DataError, nearest

_THREADS = 8  # that read headers
_BYTES = 256  # labels of "orth"


@dataclass(kw_only=True, eq=False)
class _Names:
    """How `path` names its zip files, and the data sets within them."""

    zips: list[tuple[str, str]]
    indices: dict[str, str]
    folder: bool = False


@dataset_class("OggZipDataset")
@dataclass(kw_only=True, eq=False)
class OggZipDataset(Dataset):
    """
    Streams: "data" are the features of the audio, "classes" the labels of the transcript, "orth" its bytes in UTF-8. Keeps the
    transcripts in memory, never the audio.

    :param path: zip files, and `NAME.txt.gz` with the index for `NAME.zip` in place of the one in the zip file; or one folder
        with `FOLDER.txt` beside it
    :param audio: see `AudioFeatures`; None: there is no "data"
    :param targets: see `boulder.data.vocabulary`; None: there are no "classes"
    :param targets_post_process: function text → text before the vocabulary
    :param content_name: name of the data set within the zip file, or a list of them: `NAME.txt` is the index, and the files are
        in the folder `NAME/`; None: the name of the zip file
    :param resolve_symlink_for_name: whether that is the name of the file that a symbolic link points at
    :param zip_audio_files_have_name_as_prefix: False: the files are not in a folder `NAME/`
    :param segment_file: tags of the sequences to use, see `boulder.data.tag_files.read_tags`
    :param fixed_random_subset: use so many sequences, or this fraction below 1, drawn once for all epochs; None or 0: all
    :param fixed_random_subset_seed: of these draws
    """

    path: Sequence[str | os.PathLike[str]] = field(metadata=PATHS)
    audio: Mapping[str, Any] | None = field(default=None, metadata=files_in(audio_files))
    targets: Mapping[str, Any] | None = field(default=None, metadata=files_in(vocabulary_files))
    targets_post_process: Callable[[str], str] | None = None
    content_name: str | Sequence[str] | None = None
    resolve_symlink_for_name: bool = False
    zip_audio_files_have_name_as_prefix: bool = True
    segment_file: str | None = field(default=None, metadata=PATH)
    fixed_random_subset: float | None = None
    fixed_random_subset_seed: int = 42

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_file("segment_file", self.segment_file)
        paths = [os.fspath(path) for path in self.path]
        if not paths:
            raise DataError("path: found none, expected at least one zip file")
        names = [self.content_name] * len(paths) if isinstance(self.content_name, str) else self.content_name
        if names is not None and len(names) != len(paths):
            raise DataError(f"content_name: found {len(names)} names, expected one for each of {len(paths)} paths")
        for name in ("resolve_symlink_for_name", "zip_audio_files_have_name_as_prefix"):
            if not isinstance(getattr(self, name), bool):
                raise DataError(f"{name}: found {getattr(self, name)!r:.60}, expected True or False")
        if self.targets_post_process is not None and not callable(self.targets_post_process):
            raise DataError(f"targets_post_process: found {self.targets_post_process!r:.60}, expected a function")
        subset = self.fixed_random_subset or 0
        if isinstance(subset, bool) or not isinstance(subset, int | float) or subset < 0 or (subset > 1 and subset % 1):
            raise DataError(f"fixed_random_subset: found {subset!r:.60}, expected a fraction, or a number of sequences")
        self._features = _part_of("audio", lambda: None if self.audio is None else AudioFeatures.of(self.audio))
        self._vocabulary = _part_of("targets", lambda: None if self.targets is None else open_vocabulary(self.targets))
        self._opened: list[Archive] = []

    def check(self) -> None:
        if self._features is not None:
            _part_of("audio", self._features.check)
        if self._vocabulary is not None:
            _part_of("targets", self._vocabulary.check)
        _ = self._index
        for key, stream in (self.wanted or {}).items():
            self._matched(key, stream)
        if "data" in self.streams:
            self._check_files()

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()
        self.__dict__.pop("_archives", None)

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

    @cached_property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        """With that of "raw", the text as one value, which RETURNN counts, too."""
        lengths = {key: self._lengths_of(key) for key in self._known_streams}
        return lengths | {"raw": np.ones(self.num_seqs, "int32")}

    @property
    def ordering_lengths(self) -> np.ndarray:
        """int64 [N]: `duration` in the index, in hundredths of a second"""
        return (self._index.durations * 100).astype("int64")

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        streams = self.streams
        return [
            {key: self._array(int(i), key).astype(stream.dtype, copy=False) for key, stream in streams.items()}
            for i in indices
        ]

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        return [self._index.tags[int(i)] for i in indices]

    def label_names(self, key: str) -> list[str] | None:
        if key == "orth":
            return [chr(byte) for byte in range(_BYTES)]
        return list(self._vocabulary.names) if key == "classes" and self._vocabulary is not None else None

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(sorted(self.streams.items())).encode())
        for archive in self._archives:
            digest.update(archive.fingerprint().encode())
        files = [*self._names.indices.values(), *([self.segment_file] if self.segment_file else [])]
        files += [
            *(self._features.files if self._features else []),
            *(self._vocabulary.files if self._vocabulary else []),
        ]
        for file in files:
            digest.update(Path(file).read_bytes())
        return digest.hexdigest()

    # Files

    @cached_property
    def _names(self) -> _Names:
        paths = [os.fspath(path) for path in self.path]
        if len(paths) == 1 and os.path.isdir(paths[0]) and os.path.isfile(f"{paths[0]}.txt"):
            return _Names(zips=[(paths[0], os.path.basename(paths[0]))], indices={}, folder=True)
        given = [self.content_name] * len(paths) if isinstance(self.content_name, str) else self.content_name
        names = _Names(zips=[], indices={})
        for number, path in enumerate(paths):
            base = os.path.basename(os.path.realpath(path) if self.resolve_symlink_for_name else path)
            is_index = base.endswith(".txt.gz")
            if not is_index and not base.endswith(".zip"):
                raise DataError(f"{path}: found a file of this name, expected NAME.zip, or NAME.txt.gz with its index")
            name = given[number] if given is not None else base.removesuffix(".txt.gz" if is_index else ".zip")
            if is_index:
                names.indices[name] = path
            else:
                names.zips.append((path, name))
        if not names.zips:
            raise DataError(f"{', '.join(paths)}: found no zip file, expected one for the index")
        return names

    @cached_property
    def _archives(self) -> list[Archive]:
        try:
            for path, _ in self._names.zips:
                self._opened.append(FolderArchive(path) if self._names.folder else ZipArchive(path))
        except BaseException:
            self.close()
            raise
        return list(self._opened)

    @cached_property
    def _index(self) -> OggZipIndex:
        parts = []
        for archive, (_, name) in zip(self._archives, self._names.zips, strict=True):
            if name in self._names.indices:
                where = self._names.indices[name]
                content = read_gzip(where)
            else:
                content, where = read_index(archive, name)
            parts.append(OggZipIndex.parse(content, where, needs_audio=self._features is not None))
        index = OggZipIndex.joined(parts)
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
            found, expected = ", ".join(sorted(wanted)[:3]) or "no tag", ", ".join(index.tags[:3])
            raise DataError(f"{file}: found {found}, …, none of them in the data set, which has {expected}, …")
        return index.subset(kept)

    def _drawn(self, count: int, subset: float) -> list[int]:
        order = list(range(count))
        np.random.RandomState(self.fixed_random_subset_seed).shuffle(order)
        number = int(count * subset) if subset < 1 else int(subset)
        if not number:
            raise DataError(f"fixed_random_subset: found {subset} of {count} sequences, expected at least one")
        return order[:number]

    def _check_files(self) -> None:
        """:raises DataError: if audio files are missing"""
        names = [archive.names for archive in self._archives]
        missing = [
            file
            for index, archive in enumerate(self._index.archives)
            if (file := self._file(index)) not in names[archive]
        ]
        if missing:
            named = ", ".join(map(repr, missing[:3])) + (", …" if len(missing) > 3 else "")
            where, others = self._archives[0], [name for name in names[0] if not name.endswith(".txt")]
            hint = nearest(missing[0], others)
            if missing[0].partition("/")[2] in names[0]:
                hint = "; set zip_audio_files_have_name_as_prefix to False"
            elif others and "/" in others[0] and not others[0].startswith(f"{self._names.zips[0][1]}/"):
                hint = f"; found {others[0]!r}, so set content_name to {others[0].partition('/')[0]!r}"
            raise DataError(
                f"{where.path}: found no {named}; {len(missing)} of {self.num_seqs} sequences lack their file{hint}"
            )

    def _file(self, index: int) -> str:
        name = self._index.files[index]
        if not self.zip_audio_files_have_name_as_prefix:
            return name
        return f"{self._names.zips[self._index.archives[index]][1]}/{name}"

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
        found = known[key]
        fits = (found.sparse, found.has_feature_axis, found.has_time_axis) == (
            stream.sparse,
            stream.has_feature_axis,
            stream.has_time_axis,
        )
        if not fits or stream.dim not in (None, found.dim):
            what = f"{self._vocabulary.where} has" if key == "classes" and self._vocabulary else "the options give"
            raise DataError(f"{key!r}: {what} {found}, expected {stream}, as extern_data says")
        return replace(stream, dim=found.dim)

    def _array(self, index: int, key: str) -> np.ndarray:
        if key == "orth":
            return np.frombuffer(self._index.texts[index].encode(), "uint8")
        try:
            return self._frames(index) if key == "data" else np.array(self._labels(index), "int32")
        except DataError as error:
            raise self._error(index, error) from error

    def _frames(self, index: int) -> np.ndarray:
        """:return: [T, D], features of the audio"""
        assert self._features is not None  # there is a stream "data"
        audio, sample_rate = decode(self._archives[self._index.archives[index]].read(self._file(index)))
        return self._features.compute(audio, sample_rate, self._index.tags[index])

    def _labels(self, index: int) -> list[int]:
        """:return: class indices of the transcript"""
        assert self._vocabulary is not None  # there is a stream "classes"
        text = self._index.texts[index]
        if self.targets_post_process is not None:
            text = self.targets_post_process(text)
            if not isinstance(text, str):
                raise DataError(f"the function 'targets_post_process' returned {text!r:.60}, expected a text")
        return self._vocabulary.label_ids(text)

    def _lengths_of(self, key: str) -> np.ndarray:
        """:return: int32 [N]"""
        if key not in self._lengths:
            if key == "data":
                with ThreadPoolExecutor(_THREADS) as pool:
                    found = list(pool.map(self._num_frames, range(self.num_seqs)))
            else:
                found = [len(self._array(index, key)) for index in range(self.num_seqs)]
            self._lengths[key] = np.array(found, "int32")
        return self._lengths[key]

    @cached_property
    def _lengths(self) -> dict[str, np.ndarray]:
        return {}

    def _num_frames(self, index: int) -> int:
        assert self._features is not None  # there is a stream "data"
        try:
            with self._archives[self._index.archives[index]].open(self._file(index)) as file:
                frames = self._features.num_frames(read_header(file))
            return len(self._frames(index)) if frames is None else frames
        except DataError as error:
            raise self._error(index, error) from error

    def _error(self, index: int, error: DataError) -> DataError:
        path = self._names.zips[self._index.archives[index]][0]
        return DataError(f"{path}: sequence {self._index.tags[index]!r}: {error}")


def _part_of(option: str, make: Callable[[], Any]) -> Any:
    """:raises DataError: as `make`, with the name of the option"""
    try:
        return make()
    except DataError as error:
        raise DataError(f"{option}: {error}") from error
