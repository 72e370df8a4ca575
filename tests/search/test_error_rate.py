"""Error rates against their definition, with several references per word."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import DataError
from boulder.search import best_reference, score

phonemes = st.lists(st.sampled_from(["AH", "B", "K", "T"]), max_size=6)
pronunciations = st.lists(phonemes.filter(bool), min_size=1, max_size=3)
corpora = st.dictionaries(
    st.text("abc", min_size=1, max_size=4), st.tuples(phonemes, pronunciations), min_size=1, max_size=6
)


def of(corpus):
    return score({tag: hyp for tag, (hyp, _) in corpus.items()}, {tag: refs for tag, (_, refs) in corpus.items()})


def plain_distance(a, b):
    """Levenshtein distance by its definition."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]


@given(corpora)
def test_per_and_wer_are_0_if_and_only_if_every_word_equals_a_reference(corpus):
    equal = all(hypothesis in references for hypothesis, references in corpus.values())
    rates = of(corpus)
    assert (rates.per == 0) == (rates.wer == 0) == equal


@given(corpora)
def test_per_is_total_edits_over_total_phonemes(corpus):
    rates = of(corpus)
    assert rates.num_edits == sum(
        min(plain_distance(hypothesis, reference) for reference in references)
        for hypothesis, references in corpus.values()
    )
    assert rates.per == rates.num_edits / sum(len(record.reference) for record in rates.records)
    wrong = sum(hypothesis not in references for hypothesis, references in corpus.values())
    assert (rates.num_words, rates.num_word_errors) == (len(corpus), wrong)
    assert rates.wer == wrong / len(corpus)


@given(phonemes, pronunciations, st.randoms())
def test_order_of_references_does_not_matter(hypothesis, references, random):
    shuffled = list(references)
    random.shuffle(shuffled)
    assert best_reference(hypothesis, references) == best_reference(hypothesis, shuffled)


@given(corpora, st.data())
def test_another_reference_never_adds_edits(corpus, data):
    tag = data.draw(st.sampled_from(sorted(corpus)))
    hypothesis, references = corpus[tag]
    more = {**corpus, tag: (hypothesis, [*references, data.draw(phonemes.filter(bool))])}
    assert of(more).num_edits <= of(corpus).num_edits


def test_ties_go_to_the_shortest_reference():
    reference, edits = best_reference(["A", "B", "C"], [["A", "B", "C", "D"], ["A", "B"]])
    assert (reference, edits) == (("A", "B"), 1)


def test_an_empty_hypothesis_has_only_deletions():
    rates = score({"a": []}, {"a": [["K", "AE", "T"]]})
    assert (rates.per, rates.wer, rates.num_edits) == (1.0, 1.0, 3)


def test_insertions_can_raise_per_above_1():
    assert score({"a": ["B"] * 5}, {"a": [["K"]]}).per == 5.0


def test_the_report_reads_summary_and_examples():
    from boulder.report import Report

    rates = score({"cat": ["K", "T"], "a": ["AH"]}, {"cat": [["K", "AE", "T"]], "a": [["AH"], ["EY"]]})
    report = {
        "title": "t",
        "phases": [],
        "error_rates": [rates.summary("test")],
        "examples": [record.as_example() for record in rates.records],
    }
    loaded = Report.load(json.loads(json.dumps(report)))
    assert loaded.error_rates[0].per == pytest.approx(0.25)
    assert {example.word for example in loaded.examples} == {"cat", "a"}


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        ({}, {}, "no references"),
        ({"b": ["K"]}, {"a": [["K"]], "b": [["K"]], "c": [["K"]]}, "no hypothesis for 'a' and 1 more"),
        ({"cat": ["K"], "cats": ["K"]}, {"cat": [["K"]]}, "no reference for 'cats'; nearest is 'cat'"),
        ({"a": ["K"]}, {"a": []}, "'a' has no reference"),
        ({"a": ["K"]}, {"a": [["K"], []]}, "'a' has no reference, or an empty one"),
    ],
)
def test_message_names_the_tag(hypotheses, references, message):
    with pytest.raises(DataError, match=message):
        score(hypotheses, references)
