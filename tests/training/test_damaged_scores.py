"""A scores file that something else than Boulder has changed."""

import json

import pytest

from boulder.training.scores import read_scores


@pytest.mark.parametrize("damage", [b"", b"\x00\xff", b'{"epoch": 2, "train"'])
def test_scores_before_a_damaged_line_are_read_and_the_line_is_named(tmp_path, damage):
    path = tmp_path / "scores.jsonl"
    lines = [json.dumps({"epoch": epoch}).encode() for epoch in (1, 2, 3)]
    path.write_bytes(b"\n".join([lines[0], damage, lines[2]]))
    with pytest.warns(UserWarning, match=r"scores .*scores\.jsonl: line 2 is damaged; it and what follows is not read"):
        assert read_scores(path) == [{"epoch": 1}]


def test_no_file_has_no_scores(tmp_path):
    assert read_scores(tmp_path / "scores.jsonl") == []
