"""Word errors are those of sclite's alignment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import DataError
from boulder.search.sclite import run_sclite, sclite_command, segments_of_tags, write_ctm, write_stm, write_trn
from boulder.search.word_errors import WordErrors, count_errors, total, word_errors

words = st.lists(st.sampled_from("abc"), max_size=12)
pairs = st.lists(st.tuples(words.filter(bool), words), min_size=1, max_size=40)


def lowest_cost(reference, hypothesis) -> int:
    """4 per substitution, 3 per insertion and deletion, by the definition."""
    row = [3 * j for j in range(len(hypothesis) + 1)]
    for i, left in enumerate(reference, start=1):
        before, row = row, [3 * i]
        for j, right in enumerate(hypothesis, start=1):
            row.append(min(before[j] + 3, row[-1] + 3, before[j - 1] + 4 * (left != right)))
    return row[-1]


@given(words, words)
def test_an_alignment_has_the_lowest_cost_of_sclite(reference, hypothesis):
    substitutions, deletions, insertions = count_errors(reference, hypothesis)
    assert 4 * substitutions + 3 * (deletions + insertions) == lowest_cost(reference, hypothesis)
    assert len(reference) - deletions + insertions == len(hypothesis)
    assert min(substitutions, deletions, insertions) >= 0


def test_errors_may_exceed_the_edit_distance():
    """Five substitutions would cost 20, three insertions and three deletions cost 18."""
    reference, hypothesis = ["a", "b", "c", "d", "e", "f", "g", "h"], ["x", "y", "z", "a", "b", "c", "d", "e"]
    assert count_errors(reference, hypothesis) == (0, 3, 3)


@pytest.mark.sclite
@settings(max_examples=15, deadline=None)
@given(pairs)
def test_sclite_gives_the_same_numbers(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("sclite")
    references = {f"speaker-{i}": reference for i, (reference, _) in enumerate(pairs)}
    hypotheses = {f"speaker-{i}": hypothesis for i, (_, hypothesis) in enumerate(pairs)}
    write_trn(folder / "ref.trn", references)
    write_trn(folder / "hyp.trn", hypotheses)
    found = run_sclite(sclite_command(), folder / "ref.trn", folder / "hyp.trn", folder)
    assert found == total(word_errors(references, hypotheses))


@pytest.mark.sclite
def test_sclite_reads_ctm_and_stm_files(tmp_path):
    import subprocess

    references = {"rec/1": ["a", "B"], "rec/2": ["c"], "rec/3": ["a", "b", "c"]}
    hypotheses = {"rec/3": ["a", "c"], "rec/1": ["a", "b", "d"], "rec/2": []}
    write_stm(tmp_path / "ref.stm", references, segments_of_tags(references))
    write_ctm(tmp_path / "hyp.ctm", hypotheses, segments_of_tags(references))
    command = [*sclite_command(), "-s", "-r", "ref.stm", "stm", "-h", "hyp.ctm", "ctm", "-o", "rsum", "-O", "."]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    line = next(line for line in (tmp_path / "hyp.ctm.raw").read_text().splitlines() if "Sum" in line)
    sequences, count, _, s, d, i, _, wrong = map(int, line.replace("|", " ").split()[1:])
    assert WordErrors(count, s, d, i, sequences, wrong) == total(word_errors(references, hypotheses))


def test_a_summary_names_rates_and_counts():
    errors = total(word_errors({"a": ["x", "y"], "b": ["z", "z"]}, {"a": ["x"], "b": ["z", "z"]}))
    assert str(errors) == (
        "WER 25.00% (0 substitutions, 1 deletions, 0 insertions on 4 words), SER 50.00% on 2 sequences"
    )


@pytest.mark.parametrize(
    ("references", "hypotheses", "message"),
    [
        ({}, {}, "found no references"),
        ({"seq-1": ["a"]}, {"seq-2": ["a"]}, "found no hypothesis of 'seq-1'; nearest is 'seq-2'"),
        ({"a": []}, {"a": [], "b": []}, "found a hypothesis, but no reference of 'b'"),
        ({"a": []}, {"a": ["x"]}, "found no words in any reference"),
    ],
)
def test_tags_that_do_not_match_are_reported(references, hypotheses, message):
    with pytest.raises(DataError, match=message):
        total(word_errors(references, hypotheses))


@pytest.mark.parametrize("word", ["@", "{", "(uh)", ";;x"])
def test_a_word_with_a_meaning_for_sclite_is_refused(tmp_path, word):
    with pytest.raises(DataError, match=r"h\.trn: 'a': found the word .*, which has a meaning of its own for sclite"):
        write_trn(tmp_path / "h.trn", {"a": ["x", word]})


def test_a_tag_with_blanks_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"found the tag 'a b', expected one without blanks"):
        write_trn(tmp_path / "h.trn", {"a b": ["x"]})


def test_a_sequence_without_a_segment_is_reported(tmp_path):
    with pytest.raises(DataError, match=r"h\.ctm: found no segment 'b'"):
        write_ctm(tmp_path / "h.ctm", {"b": ["x"]}, segments_of_tags({"a": ["x"]}))
