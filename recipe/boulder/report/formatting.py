"""Formats counts, durations, rates and scores for people."""

import json
import math
from typing import Any, TypeGuard

MISSING = "–"


def count(number: int | None) -> str:
    """:return: e.g. `1,234,567`"""
    return MISSING if number is None else f"{number:,}"


def magnitude(number: int | None) -> str:
    """:return: three digits and a unit: `846`, `12.3 k`, `1.23 M`, `4.56 G`"""
    if number is None:
        return MISSING
    value, unit = float(number), ""
    for unit in ("", "k", "M", "G", "T"):  # noqa: B007 the last one is used
        # 999.5 k would be rounded to `1000 k`.
        if value < 999.5:
            break
        value /= 1000
    if not unit:
        return str(number)
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def factor(value: float) -> str:
    """:return: at least three digits, never with an exponent: `1.05`, `19.1`, `4,772`"""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """:return: e.g. `0.4 s`, `42 s`, `4 min 05 s`, `1 h 03 min`, `2 d 04 h`"""
    if not is_known(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02d} h"


def percent(rate: float | None) -> str:
    """:return: a fraction as a percentage, e.g. `9.7 %`"""
    return f"{rate * 100:.1f} %" if is_known(rate) else MISSING


def score(value: float | None) -> str:
    """:return: four significant digits with trailing zeros, so that the values of a column compare easily"""
    return f"{value:#.4g}".rstrip(".") if is_known(value) else MISSING


def learning_rate(value: float | None) -> str:
    """:return: up to three significant digits: `0.001`, `3.16e-05`"""
    return f"{value:.3g}" if is_known(value) else MISSING


def epochs(first: int, last: int) -> str:
    """:return: `7` or `7–12`"""
    return str(first) if first == last else f"{first}–{last}"


def shape(sizes: tuple[int, ...] | None) -> str:
    """:return: e.g. `80 × 320`"""
    return MISSING if sizes is None else " × ".join(map(str, sizes)) or "scalar"


def some(names: list[str], most: int = 4) -> str:
    """:return: all names, or the first `most` and the number of the others"""
    # "and 1 more" would take as much space as the name.
    return ", ".join(names) if len(names) <= most + 1 else f"{', '.join(names[:most])} and {len(names) - most} more"


def plain(value: Any) -> str:
    """:return: a string unchanged, any other value of a config as JSON"""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def is_known(value: float | None) -> TypeGuard[float]:
    """:return: whether a measured value exists and is finite"""
    return value is not None and math.isfinite(value)
