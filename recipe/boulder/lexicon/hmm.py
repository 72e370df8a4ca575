"""Hidden Markov models of transcripts: the automaton of a sequence of words, from their pronunciations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from boulder.errors import ConfigError, DataError, nearest
from boulder.lexicon.lexicon import Lexicon

END = -1
"""class of the rows that say where paths may end"""


@dataclass(frozen=True, kw_only=True)
class Topology:
    """
    Each phoneme is a chain of HMM states, each of which lasts one frame or more. Classes are numbered by phoneme, then by state;
    the last one is silence, a single state before, between and after the words, each time optional. Costs are negative logarithms
    of probabilities.

    :param phonemes: in the order of the classes, without silence
    :param states: number of states of a phoneme
    :param silence: whether there is silence
    :param loop: cost of staying in a state
    :param forward: cost of entering a state
    :param silence_loop: cost of staying in silence
    :param silence_forward: cost of entering silence
    :raises ConfigError: for other values
    """

    phonemes: Sequence[str]
    states: int = 1
    silence: bool = True
    loop: float = 0.0
    forward: float = 0.0
    silence_loop: float = 0.0
    silence_forward: float = 0.0

    def __post_init__(self) -> None:
        if not self.phonemes or len(set(self.phonemes)) < len(self.phonemes):
            raise ConfigError(f"'phonemes' must be distinct names, at least one, found {list(self.phonemes)!r:.80}")
        if isinstance(self.states, bool) or not isinstance(self.states, int) or self.states < 1:
            raise ConfigError(f"'states' must be an int of at least 1, found {self.states!r}")

    @property
    def class_names(self) -> list[str]:
        """:return: `PHONEME.STATE` for each class, and `silence`"""
        names = [f"{phoneme}.{state}" for phoneme in self.phonemes for state in range(self.states)]
        return [*names, *(["silence"] if self.silence else [])]


class TranscriptAutomata:
    """
    Makes the automaton of a transcript. All pronunciations of a word have the same weight.

    :param lexicon: word → pronunciations
    :param topology: of the phonemes
    :raises DataError: for a phoneme that the topology lacks
    """

    def __init__(self, lexicon: Lexicon, topology: Topology) -> None:
        self.lexicon, self.topology = lexicon, topology
        self._number = {phoneme: index for index, phoneme in enumerate(topology.phonemes)}
        for word, pronunciations in lexicon.items():
            for phoneme in (phoneme for pronunciation in pronunciations for phoneme in pronunciation):
                if phoneme not in self._number:
                    hint = nearest(phoneme, self._number)
                    raise DataError(f"word {word!r}: phoneme {phoneme!r} is not one of the 'phonemes'{hint}")

    def arcs(self, words: Iterable[str], tag: str) -> np.ndarray:
        """
        :param words: transcript
        :param tag: of the sequence, for messages
        :return: float32 [arcs, 4], see `boulder.data.automata`
        :raises DataError: for a word that the lexicon lacks, and for a transcript without words if there is no silence
        """
        rows: list[tuple[int, int, int, float]] = []
        count = 1

        def entered(before: list[int], label: int, loop: float, forward: float) -> int:
            """Adds a state, which may follow those of `before`."""
            nonlocal count
            state, count = count, count + 1
            rows.extend((source, state, label, forward) for source in before)
            rows.append((state, state, label, loop))
            return state

        def with_silence(before: list[int]) -> list[int]:
            """:return: the states that may precede what follows, after an optional silence"""
            if not topology.silence:
                return before
            silence = len(topology.phonemes) * topology.states
            return [*before, entered(before, silence, topology.silence_loop, topology.silence_forward)]

        topology = self.topology
        last = with_silence([0])
        for word in words:
            ends = []
            for pronunciation in self._pronunciations(word, tag):
                before = last
                for phoneme in pronunciation:
                    for state in range(topology.states):
                        label = self._number[phoneme] * topology.states + state
                        before = [entered(before, label, topology.loop, topology.forward)]
                ends += before
            last = with_silence(ends)
        ends = [state for state in last if state != 0]
        if not ends:
            raise DataError(f"sequence {tag!r} has no words, expected some, or a topology with silence")
        rows += [(state, 0, END, 0.0) for state in ends]
        return np.array(rows, dtype=np.float32)

    def _pronunciations(self, word: str, tag: str) -> list[tuple[str, ...]]:
        if not self.lexicon.get(word):
            raise DataError(f"sequence {tag!r}: word {word!r} is not in the lexicon{nearest(word, self.lexicon)}")
        return self.lexicon[word]
