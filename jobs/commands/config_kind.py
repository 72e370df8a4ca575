"""Whether a file is a config of RETURNN or one of Sisyphus."""

from __future__ import annotations

import ast
import os
from pathlib import Path

_OPTIONS = {"network", "get_network", "extern_data", "num_inputs", "train", "pretrain"}
"""Options of which a RETURNN config that trains has at least one."""
_PACKAGES = {"sisyphus", "jobs"}


def is_returnn_config(file: Path) -> bool:
    """
    A file is RETURNN's if its name does not end in `.py`, or if its first line is RETURNN's, such as `#!rnn.py`. Otherwise it is
    one of Sisyphus if it has a function `py`, or imports `sisyphus` or `jobs`, and RETURNN's if it sets an option such as
    `network`. What cannot be told so is one of Sisyphus in the folder config/, and RETURNN's elsewhere.
    """
    if file.suffix != ".py":
        return True
    text = file.read_text(encoding="utf-8", errors="replace")
    first, _, _ = text.partition("\n")
    if first.startswith("#!") and "rnn" in first:
        return True
    names = defined_names(text)
    if "py" in names or _PACKAGES & imported_packages(text):
        return False
    if _OPTIONS & names:
        return True
    return not Path(os.path.abspath(file)).is_relative_to(Path("config").absolute())


def defined_names(text: str) -> set[str]:
    """:return: functions and variables of a module; none if it is no Python"""
    names: set[str] = set()
    for node in _statements(text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def imported_packages(text: str) -> set[str]:
    """:return: top-level packages that a module imports"""
    names: set[str] = set()
    for node in _statements(text):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _statements(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError):
        return []
