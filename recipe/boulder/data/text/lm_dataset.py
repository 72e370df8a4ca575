"""`LmDataset`: lines of text as words, characters or subwords. Options and rules are RETURNN's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boulder.data.dataset import dataset_class
from boulder.data.option_checks import check_file, check_flags
from boulder.data.option_kinds import NONE_COUNTS, PATH, PATHS, WITHOUT_EFFECT, files_in
from boulder.data.streams import Stream
from boulder.data.tag_files import read_tags
from boulder.data.text.orthography import Orthography
from boulder.data.text.symbols import Symbols
from boulder.data.text.text_dataset import TextDataset
from boulder.data.text.text_lines import TextLines
from boulder.data.text.text_processing import text_processing
from boulder.data.vocabulary import Vocabulary, open_vocabulary, vocabulary_files
from boulder.errors import DataError, named

_FILES = ("orth_symbols_file", "orth_symbols_map_file", "orth_replace_map_file")
_FLAGS = (
    "skip_empty_lines",
    "word_based",
    "auto_replace_unknown_symbol",
    "error_on_invalid_seq",
    "add_delayed_seq_data",
)


@dataset_class("LmDataset")
@dataclass(kw_only=True, eq=False)
class LmDataset(TextDataset):
    """
    "data" are the labels of a line. The sequences are named line-0, line-1, …; empty lines are not counted. The order by length
    is that by bytes. Exactly one of `orth_vocab`, `orth_symbols_file` and `orth_symbols_map_file` is expected. A function without
    arguments may stand for files; it is called when the training is planned.

    :param corpus_file: text files, one line per sequence, or corpora in Bliss XML; `.gz` is unpacked. As in RETURNN, what
        follows the last line break of a text file that is not gzipped is left out, with a warning
    :param skip_empty_lines: whether empty lines are no sequences
    :param seq_list_file: files with the tags of all sequences, one for each file of `corpus_file` or one for all
    :param tag_prefix: in place of "line-"
    :param orth_vocab: a vocabulary, see `boulder.data.vocabulary`
    :param orth_symbols_file: a file with a symbol on each line
    :param orth_symbols_map_file: a file with a symbol and its label on each line, or a dict, in Python or pickled (`.pkl`)
    :param orth_replace_map_file: a JSON file with a dict, symbol → text that replaces it
    :param orth_post_process: what happens to each line before: a function text → text, one of RETURNN's names such as "lowercase"
        or "get_remove_chars(',/')", or a list of them
    :param word_based: whether symbols are words; else characters
    :param word_end_symbol: for characters: the symbol for a space, and at the end of a line
    :param seq_end_symbol: the symbol at the end of a sequence; None: none
    :param unknown_symbol: see `auto_replace_unknown_symbol`; None: unknown symbols are left out
    :param auto_replace_unknown_symbol: whether `unknown_symbol` replaces symbols without a label
    :param parse_orth_opts: options of `boulder.data.text.orthography`
    :param error_on_invalid_seq: whether a line with a symbol without a label is an error; else it is left out
    :param add_delayed_seq_data: whether there is a stream "delayed": `delayed_seq_data_start_symbol`, then all labels but the last
    :param delayed_seq_data_start_symbol: its first symbol
    :param dtype: without effect
    :param log_auto_replace_unknown_symbols: without effect
    :param log_skipped_seqs: without effect
    """

    corpus_file: Sequence[str | os.PathLike[str]] = field(metadata=PATHS)
    skip_empty_lines: bool = True
    seq_list_file: Sequence[str] | None = field(default=None, metadata=PATHS)
    tag_prefix: str | None = None
    orth_vocab: Mapping[str, Any] | None = field(default=None, metadata=files_in(vocabulary_files))
    orth_symbols_file: str | None = field(default=None, metadata=PATH)
    orth_symbols_map_file: str | None = field(default=None, metadata=PATH)
    orth_replace_map_file: str | None = field(default=None, metadata=PATH)
    orth_post_process: Callable[[str], str] | str | Sequence | None = None
    word_based: bool = False
    word_end_symbol: str | None = None
    seq_end_symbol: str | None = field(default="[END]", metadata=NONE_COUNTS)
    unknown_symbol: str | None = field(default="[UNKNOWN]", metadata=NONE_COUNTS)
    auto_replace_unknown_symbol: bool = False
    parse_orth_opts: Mapping[str, Any] | None = None
    error_on_invalid_seq: bool = True
    add_delayed_seq_data: bool = False
    delayed_seq_data_start_symbol: str = "[START]"
    dtype: str | None = field(default=None, metadata=WITHOUT_EFFECT)
    log_auto_replace_unknown_symbols: bool | int = field(default=10, metadata=WITHOUT_EFFECT)
    log_skipped_seqs: bool | int = field(default=10, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.corpus_file:
            raise DataError("corpus_file: found none, expected at least one file")
        for name in _FILES:
            check_file(name, getattr(self, name))
        check_flags(self, _FLAGS)
        sources = ("orth_vocab", "orth_symbols_file", "orth_symbols_map_file")
        if len(given := [name for name in sources if getattr(self, name) is not None]) != 1:
            raise DataError(f"found {' and '.join(given) or 'no vocabulary'}, expected one of {', '.join(sources)}")
        if self.orth_vocab is not None:
            for name in ("auto_replace_unknown_symbol", "parse_orth_opts", "orth_replace_map_file"):
                if getattr(self, name):
                    raise DataError(f"found orth_vocab and {name}, expected options of the vocabulary alone")
        with named("orth_post_process"):
            self._processed = text_processing(self.orth_post_process)
        self._orthography = Orthography.of(self._parsing())
        self._vocabulary = self._open_vocabulary()

    def _parsing(self) -> dict[str, Any]:
        ends = [self.word_end_symbol if not self.word_based else None, self.seq_end_symbol]
        postfix = [symbol for symbol in ends if symbol is not None]
        return {"word_based": self.word_based, "postfix": postfix} | dict(self.parse_orth_opts or {})

    def _open_vocabulary(self) -> Vocabulary | None:
        if self.orth_vocab is None:
            return None
        with named("orth_vocab"):
            found = open_vocabulary(self.orth_vocab)
            if found.is_random:
                raise DataError("found a vocabulary that draws random numbers, expected another one")
        return found

    @cached_property
    def texts(self) -> dict[str, TextLines]:
        return {
            str(i): TextLines(Path(file), self.skip_empty_lines, bliss=True, needs_break=True)
            for i, file in enumerate(self.corpus_file)
        }

    @property
    def label_files(self) -> list[str]:
        of_symbols = [getattr(self, name) for name in _FILES]
        of_vocabulary = self._vocabulary.files if self._vocabulary is not None else []
        return [str(file) for file in (*of_symbols, *of_vocabulary, *(self.seq_list_file or ())) if file is not None]

    @property
    def stream_names(self) -> list[str]:
        return ["data", "delayed"] if self.add_delayed_seq_data else ["data"]

    @cached_property
    def found_streams(self) -> dict[str, Stream]:
        return {key: Stream(key, len(self._names), sparse=True) for key in self.stream_names}

    @property
    def num_seqs(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def ordering_lengths(self) -> np.ndarray:
        """int64 [N], bytes of each line"""
        return np.concatenate([lines.sizes for lines in self.texts.values()])

    @cached_property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        """Of a line that is left out, -1."""
        if self.error_on_invalid_seq:
            return super().all_lengths
        lengths = np.full(self.num_seqs, -1, "int32")
        for index in range(self.num_seqs):
            try:
                lengths[index] = len(self._line_labels(index))
            except DataError:
                continue
        return dict.fromkeys(self.found_streams, lengths)

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        order = super().epoch_order(epoch, seed, default)
        if self.error_on_invalid_seq:
            return order
        order = order[self.all_lengths["data"][order] >= 0]
        if not len(order):
            raise DataError(f"epoch {epoch}: error_on_invalid_seq=False leaves no sequence, expected at least one")
        return order

    def labels_of(self, index: int, keys: Sequence[str]) -> dict[str, list[int]]:
        labels = self._line_labels(index)
        delayed = [self._start, *labels[:-1]] if "delayed" in keys else []
        return {key: labels if key == "data" else delayed for key in keys}

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        for index in indices:
            self.check_index(int(index))
        if self._tags is not None:
            return [self._tags[int(index)] for index in indices]
        return [f"{self.tag_prefix or 'line-'}{index}" for index in indices]

    def label_names(self, key: str) -> list[str] | None:
        return list(self._names) if key in self.found_streams else None

    def check(self) -> None:
        if self._vocabulary is not None:
            self._vocabulary.check()
        _ = self._tags, self._start if self.add_delayed_seq_data else None
        super().check()

    def _line_labels(self, index: int) -> list[int]:
        file = int(np.searchsorted(self._starts, index, side="right")) - 1
        text = self._processed(self.texts[str(file)][index - self._starts[file]])
        if self._vocabulary is not None:
            return self._vocabulary.label_ids(text)
        return self._symbols.labels(self._orthography.symbols(text))

    @cached_property
    def _symbols(self) -> Symbols:
        return Symbols.read(
            str(self.orth_symbols_file or self.orth_symbols_map_file),
            is_map=self.orth_symbols_map_file is not None,
            replacements=self.orth_replace_map_file,
            split=Orthography(word_based=self.word_based).split,
            space=self.word_end_symbol if self.word_end_symbol and not self.word_based else None,
            replaces_unknown=self.auto_replace_unknown_symbol,
            unknown=self.unknown_symbol,
        )

    @property
    def _names(self) -> Sequence[str]:
        return self._symbols.names if self._vocabulary is None else self._vocabulary.names

    @cached_property
    def _start(self) -> int:
        """The label of `delayed_seq_data_start_symbol`."""
        if self.delayed_seq_data_start_symbol not in self._names:
            raise DataError(
                f"delayed_seq_data_start_symbol: found {self.delayed_seq_data_start_symbol!r:.60}, which has no label"
            )
        names = list(self._names)
        return len(names) - 1 - names[::-1].index(self.delayed_seq_data_start_symbol)

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.cumsum([0] + [len(lines) for lines in self.texts.values()])

    @cached_property
    def _tags(self) -> list[str] | None:
        if self.seq_list_file is None:
            return None
        lists = [read_tags(str(file)) for file in self.seq_list_file]
        sizes = [self.num_seqs] if len(lists) == 1 else [len(lines) for lines in self.texts.values()]
        if [len(found) for found in lists] != sizes:
            found = ", ".join(str(len(tags)) for tags in lists)
            raise DataError(
                f"seq_list_file: found {found} tags, expected {', '.join(map(str, sizes))}, one for each line"
            )
        return [tag for found in lists for tag in found]
