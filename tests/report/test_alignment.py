"""An alignment shows exactly the edits that count as errors."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from boulder.report.alignment import align_pair

phonemes = st.lists(st.sampled_from(["AH", "B", "K"]), max_size=8)


@given(phonemes, phonemes)
def test_columns_contain_both_sequences_and_each_edit_once(reference, hypothesis):
    pairs = align_pair(reference, hypothesis)
    assert [pair.expected for pair in pairs if pair.expected] == reference
    assert [pair.found for pair in pairs if pair.found] == hypothesis
    assert sum(pair.kind != "equal" for pair in pairs) == Levenshtein.distance(reference, hypothesis)
    for pair in pairs:
        assert pair.kind == (
            "insert" if not pair.expected
            else "delete" if not pair.found
            else "equal" if pair.expected == pair.found
            else "substitute"
        )  # fmt: skip
