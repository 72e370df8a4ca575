"""Finds the options without which code fails: `config.typed_value("transform")(…)` calls None if there is no `transform`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_ASKS_FIRST = frozenset({"has", "is_typed", "is_true", "is_of_type", "value", "int", "float", "bool", "list"})
"""Methods of a config by which code finds out whether an option exists, or that have a default."""


def options_needed(source: str) -> set[str]:
    """
    :param source: of a function, or of an expression
    :return: options whose value is called, indexed or computed with, and never tested. They are read by
        `typed_value("x")` without a default, or by `typed_dict["x"]`
    """
    try:
        tree = ast.parse(source.strip())
    except SyntaxError:
        return set()
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    needed = set(_used(tree, parents))
    return needed - set(_tested(tree, parents))


def _used(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_attribute(node.value, "typed_dict"):
            if isinstance(node.ctx, ast.Load) and (key := _text(node.slice)):
                yield key
        elif key := _value_asked(node):
            parent = parents[node]
            names = [target for target in getattr(parent, "targets", ()) if isinstance(target, ast.Name)]
            if _cannot_be_none(node, parent) or any(_name_cannot_be_none(tree, name.id, parents) for name in names):
                yield key


def _value_asked(node: ast.AST) -> str | None:
    """:return: "x" if the node is `….typed_value("x")`, else None"""
    if isinstance(node, ast.Call) and _is_attribute(node.func, "typed_value") and len(node.args) == 1:
        return None if node.keywords else _text(node.args[0])
    return None


def _cannot_be_none(node: ast.AST, parent: ast.AST) -> bool:
    """:return: whether the parent fails if the value of the node is None"""
    if isinstance(parent, ast.Call):
        return parent.func is node
    if isinstance(parent, ast.Subscript | ast.Attribute):
        return parent.value is node
    return isinstance(parent, ast.BinOp) or (isinstance(parent, ast.UnaryOp) and not isinstance(parent.op, ast.Not))


def _name_cannot_be_none(tree: ast.AST, name: str, parents: dict[ast.AST, ast.AST]) -> bool:
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    stored = [node for node in uses if isinstance(node.ctx, ast.Store)]
    reads = [(node, parents[node]) for node in uses if isinstance(node.ctx, ast.Load)]
    is_tested = any(isinstance(parent, _TESTS) for _, parent in reads)
    return len(stored) == 1 and not is_tested and any(_cannot_be_none(node, parent) for node, parent in reads)


_TESTS = ast.Compare | ast.BoolOp | ast.If | ast.IfExp | ast.While | ast.Assert | ast.UnaryOp


def _tested(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """Yields the options that the code may find missing without failing."""
    for node in ast.walk(tree):
        if (key := _value_asked(node)) and isinstance(parents[node], _TESTS):
            yield key
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            has_default = len(node.args) + len(node.keywords) > 1
            if (node.func.attr in _ASKS_FIRST or has_default) and (key := _text(node.args[0])):
                yield key
        elif (
            isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn) and (key := _text(node.left))
        ):
            yield key


def _is_attribute(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == name


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
