"""Files that may be gzipped."""

import gzip

import pytest

from boulder.errors import DataError
from boulder.file_content import read_text

PACKED = gzip.compress("größe\n".encode() * 1000, mtime=0)


def test_a_file_is_unpacked_if_its_name_says_so(tmp_path):
    for name, content in (("a.txt", "größe\n".encode()), ("a.gz", gzip.compress("größe\n".encode()))):
        (tmp_path / name).write_bytes(content)
        assert read_text(tmp_path / name) == "größe\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", None, r"a\.txt: no such file$"),
        ("a.txt", b"\xff", r"a\.txt: not a text file in UTF-8"),
        ("a.gz", b"text", r"a\.gz: cannot be read: Not a gzipped file"),
        ("a.gz", PACKED[:-9], r"a\.gz: cannot be read: Compressed file ended"),
        ("a.gz", PACKED[:12] + b"\xff" * 8 + PACKED[20:], r"a\.gz: cannot be read: Error -3"),
    ],
    ids=["missing", "no text", "no gzip", "truncated", "damaged"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_text(tmp_path / name)
