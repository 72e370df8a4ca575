"""Source of a function without comments, layout, position and file.

A function is found in the current text of its file by its compiled code. So two lambdas on one line are told apart, and
after an edit of the file, an already loaded function does not get the new source.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import textwrap
import types

from boulder.schedule.bytecode import code_objects

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def function_source(function: types.FunctionType) -> str | None:
    """:return: source without decorators and docstring; None if no file holds it (any more)"""
    try:
        lines, _ = inspect.findsource(function.__code__)
    except (OSError, TypeError, IndexError):
        return None
    found = [(code, source) for code, source in _functions_of("".join(lines)) if _same_code(code, function.__code__)]
    if not found:
        return None
    same_line = [source for code, source in found if code.co_firstlineno == function.__code__.co_firstlineno]
    return (same_line or [source for _, source in found])[0]


def class_source(cls: type) -> str | None:
    """:return: the source of a class, or None"""
    try:
        return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(cls))))
    except (OSError, TypeError, SyntaxError):
        return None


def module_source(module: types.ModuleType) -> str | None:
    """:return: SHA-256 of the source of a module, or None"""
    try:
        text = ast.unparse(ast.parse(inspect.getsource(module)))
    except (OSError, TypeError, SyntaxError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def code_description(code: types.CodeType) -> dict:
    """:return: what replaces a missing source; valid for one version of Python"""
    return {
        "bytes": code.co_code,
        "names": code.co_names,
        "variables": [code.co_varnames, code.co_freevars, code.co_cellvars],
        "arguments": [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags],
        "constants": [
            code_description(c) if isinstance(c, types.CodeType) else repr(c) if isinstance(c, complex) else c
            for c in code.co_consts
        ],
    }


@functools.lru_cache(maxsize=16)
def _functions_of(text: str) -> list[tuple[types.CodeType, str]]:
    """:return: compiled code and source of each function of a file"""
    try:
        tree = ast.parse(text)
        module = compile(text, "source", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return []
    nodes: dict[tuple[str, int], list[_Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            nodes.setdefault((node.name, first), []).append(node)
        elif isinstance(node, ast.Lambda):
            nodes.setdefault(("<lambda>", node.lineno), []).append(node)
    result = []
    for code in code_objects(module):  # the module's own code matches no node
        for node in nodes.get((code.co_name, code.co_firstlineno), ()):
            if not isinstance(node, ast.Lambda) or _span(node.body) in set(code.co_positions()):
                result.append((code, _unparse(node)))
                break
    return result


def _span(node: ast.expr) -> tuple:
    """:return: positions in the order of `co_positions`"""
    return (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)


def _unparse(node: _Function) -> str:
    if isinstance(node, ast.Lambda):
        return ast.unparse(node)
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    fields = dict(ast.iter_fields(node))
    fields |= {"decorator_list": [], "body": body or [ast.Pass()]}
    return ast.unparse(ast.fix_missing_locations(type(node)(**fields)))


def _same_code(a: types.CodeType, b: types.CodeType) -> bool:
    if a.co_name != b.co_name or a.co_code != b.co_code or len(a.co_consts) != len(b.co_consts):
        return False
    attributes = (
        "co_names",
        "co_varnames",
        "co_freevars",
        "co_cellvars",
        "co_argcount",
        "co_kwonlyargcount",
        "co_flags",
    )
    if any(getattr(a, name) != getattr(b, name) for name in attributes):
        return False
    return all(
        _same_code(x, y) if isinstance(x, types.CodeType) and isinstance(y, types.CodeType) else _same_constant(x, y)
        for x, y in zip(a.co_consts, b.co_consts, strict=True)
    )


def _same_constant(a: object, b: object) -> bool:
    if isinstance(a, frozenset):  # `x in {…}`: the order is undefined
        return a == b
    return type(a) is type(b) and repr(a) == repr(b)  # tells 0.0 from -0.0 and (1,) from (True,); NaN equals NaN
