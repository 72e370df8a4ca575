"""Pronunciation lexica: CMUdict, splits and subsets, files, vocabularies, training sequences, automata of transcripts. Without TensorFlow."""

from boulder.lexicon.cmu import cmudict_entries
from boulder.lexicon.entries import lexicon_entries
from boulder.lexicon.file import read_lexicon, write_lexicon
from boulder.lexicon.hmm import Topology, TranscriptAutomata
from boulder.lexicon.lexicon import Lexicon, build
from boulder.lexicon.sequences import LabelledWord, fits_ctc, labelled_sequences
from boulder.lexicon.subset import SPLITS, part, select, split_of
from boulder.lexicon.vocabulary import (
    LETTERS,
    PHONEMES,
    decode_phonemes,
    decode_word,
    encode_phonemes,
    encode_word,
)

__all__ = [
    "LETTERS",
    "PHONEMES",
    "SPLITS",
    "LabelledWord",
    "Lexicon",
    "Topology",
    "TranscriptAutomata",
    "build",
    "cmudict_entries",
    "decode_phonemes",
    "decode_word",
    "encode_phonemes",
    "encode_word",
    "fits_ctc",
    "labelled_sequences",
    "lexicon_entries",
    "part",
    "read_lexicon",
    "select",
    "split_of",
    "write_lexicon",
]
