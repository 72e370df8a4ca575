"""Automata of transcripts against all paths, one by one."""

import itertools

import numpy as np
import pytest

from boulder.errors import ConfigError, DataError
from boulder.lexicon import Topology, TranscriptAutomata, lexicon_entries

LEXICON = {"ab": [("a", "b")], "a": [("a",), ("b", "a")]}


def accepted(arcs: np.ndarray, frames: int) -> dict[tuple[int, ...], list[float]]:
    """:return: classes of the frames → cost of each path"""
    paths = [(0, (), 0.0)]
    for _ in range(frames):
        paths = [
            (int(target), (*labels, int(label)), total + float(cost))
            for state, labels, total in paths
            for source, target, label, cost in arcs
            if label >= 0 and source == state
        ]
    ends = {int(row[0]): float(row[3]) for row in arcs if row[2] == -1}
    found: dict[tuple[int, ...], list[float]] = {}
    for state, labels, total in paths:
        if state in ends:
            found.setdefault(labels, []).append(total + ends[state])
    return found


def expected(words: list[str], frames: int, states: int, silence: int | None) -> dict[tuple[int, ...], int]:
    """:return: classes of the frames → number of paths"""
    found: dict[tuple[int, ...], int] = {}
    gaps = itertools.product((0, 1), repeat=len(words) + 1) if silence is not None else [(0,) * (len(words) + 1)]
    for gap, variants in itertools.product(list(gaps), itertools.product(*(LEXICON[word] for word in words))):
        chain = [silence] * gap[0]
        for number, phonemes in enumerate(variants, start=1):
            chain += ["ab".index(phoneme) * states + state for phoneme in phonemes for state in range(states)]
            chain += [silence] * gap[number]
        for cuts in itertools.combinations(range(1, frames), len(chain) - 1) if chain else ():
            sizes = np.diff([0, *cuts, frames])
            labels = tuple(label for label, n in zip(chain, sizes, strict=True) for _ in range(n))
            found[labels] = found.get(labels, 0) + 1
    return found


@pytest.mark.parametrize(("states", "silence"), [(1, True), (1, False), (2, True)])
@pytest.mark.parametrize("words", [["ab", "a"], ["a"], ["a", "a"]])
def test_the_paths_are_those_of_the_pronunciations(words, states, silence):
    topology = Topology(phonemes=["a", "b"], states=states, silence=silence)
    arcs = TranscriptAutomata(LEXICON, topology).arcs(words, "tag")
    found = {labels: len(costs) for labels, costs in accepted(arcs, 5).items()}
    assert found == expected(words, 5, states, 2 * states if silence else None)


def test_costs_are_those_of_staying_and_entering():
    topology = Topology(phonemes=["a", "b"], loop=0.5, forward=2.0, silence_loop=0.25, silence_forward=8.0)
    costs = accepted(TranscriptAutomata(LEXICON, topology).arcs(["ab"], "tag"), 5)
    assert costs[0, 0, 1, 2, 2] == [pytest.approx(2 + 0.5 + 2 + 8 + 0.25)]


def test_without_words_there_is_silence():
    arcs = TranscriptAutomata(LEXICON, Topology(phonemes=["a", "b"])).arcs([], "tag")
    assert list(accepted(arcs, 3)) == [(2, 2, 2)]


def test_names_of_classes():
    assert Topology(phonemes=["a", "b"], states=2).class_names == ["a.0", "a.1", "b.0", "b.1", "silence"]


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["abs"], {}, "sequence 'tag': word 'abs' is not in the lexicon; did you mean 'ab'?"),
        ([], {"silence": False}, "sequence 'tag' has no words, expected some, or a topology with silence"),
        (["ab"], {"phonemes": ["a", "B"]}, "word 'ab': phoneme 'b' is not one of the 'phonemes'; did you mean 'B'?"),
    ],
)
def test_wrong_transcripts(words, options, message):
    with pytest.raises(DataError) as caught:
        TranscriptAutomata(LEXICON, Topology(**{"phonemes": ["a", "b"], **options})).arcs(words, "tag")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phonemes": []}, "'phonemes' must be distinct names, at least one, found []"),
        ({"phonemes": ["a", "a"]}, "'phonemes' must be distinct names, at least one, found ['a', 'a']"),
        ({"phonemes": ["a"], "states": 0}, "'states' must be an int of at least 1, found 0"),
    ],
)
def test_wrong_topologies(options, message):
    with pytest.raises(ConfigError) as caught:
        Topology(**options)
    assert str(caught.value) == message


def test_lexica_of_any_phonemes(tmp_path):
    text, bliss = tmp_path / "lexicon.txt", tmp_path / "lexicon.xml"
    text.write_text(";;; a comment\nÄrger  E r g 6\nÄrger E R g 6\n\n")
    lemma = "<lemma><orth>Ärger</orth><orth>ärger</orth><phon>E r g 6</phon><phon>E R g 6</phon></lemma>"
    bliss.write_text(f"<lexicon><phoneme-inventory/>{lemma}<lemma><orth>no</orth></lemma></lexicon>", encoding="utf8")
    variants = [("E", "r", "g", "6"), ("E", "R", "g", "6")]
    assert lexicon_entries(text) == [("Ärger", variant) for variant in variants]
    assert lexicon_entries(bliss) == [(word, variant) for word in ("Ärger", "ärger") for variant in variants]
