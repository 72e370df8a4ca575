"""Vocabularies: text → class indices, under RETURNN's names and rules.

    {"vocab_file": "words.vocab", "unknown_label": "<unk>"}       words
    {"vocab_file": "bpe.vocab", "bpe_file": "bpe.codes"}          subwords of byte-pair encoding
    {"class": "CharacterTargets", "labels": [" ", "a", "b"]}      characters
    {"class": "Utf8ByteTargets"}                                  bytes
    {"class": "SentencePieces", "model_file": "spm.model"}        pieces; needs the package sentencepiece

A class of vocabularies is a file of its own, imported here, which registers it. Files are opened when they are needed.
"""

from boulder.data.vocabulary.byte_pair_encoding import BytePairEncoding
from boulder.data.vocabulary.character_targets import CharacterTargets
from boulder.data.vocabulary.description import open_vocabulary, vocabulary_files
from boulder.data.vocabulary.sampling_byte_pair_encoding import SamplingBytePairEncoding
from boulder.data.vocabulary.sentence_pieces import SentencePieces
from boulder.data.vocabulary.utf8_byte_targets import Utf8ByteTargets
from boulder.data.vocabulary.vocabulary import Vocabulary

__all__ = [
    "BytePairEncoding",
    "CharacterTargets",
    "SamplingBytePairEncoding",
    "SentencePieces",
    "Utf8ByteTargets",
    "Vocabulary",
    "open_vocabulary",
    "vocabulary_files",
]
