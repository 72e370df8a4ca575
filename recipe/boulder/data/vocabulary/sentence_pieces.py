"""`SentencePieces`: pieces of the package sentencepiece, which is not among Boulder's requirements."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from boulder.data.option_kinds import PATH
from boulder.data.vocabulary.label_table import LabelTable
from boulder.data.vocabulary.vocabulary import Vocabulary, vocabulary_class
from boulder.errors import DataError

_OPTIONS = ("control_symbols", "user_defined_symbols")


@vocabulary_class
@dataclass(kw_only=True, eq=False)
class SentencePieces(Vocabulary):
    """
    :param model_file: of sentencepiece
    :param add_bos: whether `<s>` begins each sequence
    :param add_eos: whether `</s>` ends each sequence
    :param reverse: whether the pieces are in reverse order
    :param enable_sampling: refused if True, since sentencepiece draws from a generator that cannot be set back
    :param nbest_size: without effect, since it concerns sampling
    :param alpha: likewise
    :param out_type: without effect: the pieces are indices
    """

    names_option = "model_file"

    model_file: str = field(metadata=PATH)
    unknown_label: str | int | None = None
    add_bos: bool = False
    add_eos: bool = False
    reverse: bool = False
    enable_sampling: bool = False
    nbest_size: int = -1
    alpha: float = 0.1
    out_type: object = None

    @classmethod
    def options(cls) -> dict[str, Any]:
        inherited = [name for name in Vocabulary.options() if name not in _OPTIONS]
        return {name: f for name, f in super().options().items() if name not in inherited}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.enable_sampling:
            raise DataError("enable_sampling: found True, expected False: sampled pieces could not be drawn again")

    @property
    def where(self) -> str:
        return str(self.model_file)

    def label_ids(self, text: str, numbers: np.random.RandomState | None = None) -> list[int]:
        return self._processor.encode(text, out_type=int)

    def _check_source(self) -> None:
        pass

    @cached_property
    def _table(self) -> LabelTable:
        processor = self._processor
        return LabelTable.of_names([processor.id_to_piece(index) for index in range(processor.vocab_size())])

    @cached_property
    def _processor(self) -> Any:
        try:
            import sentencepiece
        except ImportError as error:
            raise DataError(f"{self.where}: needs the package sentencepiece: `pip install sentencepiece`") from error
        make: Any = sentencepiece.SentencePieceProcessor
        try:
            return make(model_file=self.where, add_bos=self.add_bos, add_eos=self.add_eos, reverse=self.reverse)
        except (OSError, RuntimeError) as error:
            found = " ".join(str(error).split())
            raise DataError(f"{self.where}: cannot be read as a SentencePiece model: {found}") from error
