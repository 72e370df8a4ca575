"""`Orthography`: text → symbols, characters or words, by the rules of RETURNN's `parse_orthography`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from boulder.errors import DataError, nearest


@dataclass(frozen=True, kw_only=True)
class Orthography:
    """
    :param word_based: whether symbols are words; else characters
    :param prefix: symbols before each text
    :param postfix: symbols after each text
    :param remove_chars: characters that are left out
    :param collapse_spaces: whether any white space becomes one space
    :param final_strip: whether white space at both ends is left out
    :param square_brackets_for_specials: whether what is in [square brackets] is one symbol
    :param upper_case_special: whether such a symbol becomes upper case
    """

    word_based: bool = False
    prefix: Sequence[str] = ()
    postfix: Sequence[str] = ("[END]",)
    remove_chars: str = "(){}"
    collapse_spaces: bool = True
    final_strip: bool = True
    square_brackets_for_specials: bool = True
    upper_case_special: bool = True

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Orthography:
        """:raises DataError: for an unknown option or a wrong value"""
        known = {f.name: f for f in fields(cls)}
        for name, value in options.items():
            if name not in known:
                raise DataError(f"parse_orth_opts: found {name!r}, expected {', '.join(known)}{nearest(name, known)}")
            kind = str if name == "remove_chars" else list | tuple if name in ("prefix", "postfix") else bool
            if not isinstance(value, kind):
                raise DataError(
                    f"parse_orth_opts: {name}: found {value!r:.60}, expected such as {known[name].default!r}"
                )
        return cls(**options)  # type: ignore[arg-type]

    def symbols(self, text: str) -> list[str]:
        """:return: the symbols of a text, with those before and after it"""
        text = text.translate(_without(self.remove_chars))
        if self.collapse_spaces:
            text = " ".join(text.split())
        if self.final_strip:
            text = text.strip()
        return [*self.prefix, *self.split(text), *self.postfix]

    def split(self, text: str) -> list[str]:
        """:return: the symbols of a text as it is"""
        found: list[str] = []
        for piece, special in self._pieces(text):
            if special:
                piece = piece.upper() if self.upper_case_special else piece
                if found and not found[-1]:  # after a space
                    found[-1] = piece
                else:
                    found.append(piece)
            elif self.word_based:
                first, *others = re.split(r"\s", piece)
                if found:
                    found[-1] += first
                elif first:
                    found.append(first)
                found += others
            else:
                found += piece
        return found

    def _pieces(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yields pieces of the text, and whether they are in square brackets, which may be nested."""
        if not self.square_brackets_for_specials or "[" not in text:
            yield text, False
            return
        depth, start = 0, 0
        for bracket in re.finditer(r"[\[\]]", text):
            opens = bracket[0] == "["
            if depth == 0 and not opens:
                continue
            if depth == 0 and bracket.start() > start:
                yield text[start : bracket.start()], False
            if depth == 0:
                start = bracket.start()
            depth += 1 if opens else -1
            if depth == 0:
                yield text[start : bracket.end()], True
                start = bracket.end()
        if start < len(text):
            yield text[start:], depth > 0


@functools.cache
def _without(characters: str) -> dict[int, int | None]:
    """:return: a table for `str.translate`"""
    return str.maketrans("", "", characters)
