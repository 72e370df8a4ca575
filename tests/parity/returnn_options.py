"""Collects from RETURNN's source the options that it reads from a config, by the syntax tree, without executing it."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

READERS = frozenset(
    {
        *("value", "typed_value", "opt_typed_value", "is_typed", "is_true", "is_of_type", "get_of_type", "has"),
        *("int", "bool", "bool_or_other", "float", "list", "int_list", "float_list", "int_pair"),
    }
)
"""Methods of RETURNN's `Config` whose first argument is the name of an option."""

LEFT_OUT = {
    "torch": "another engine",
    "jax": "another engine",
    "triton": "for the PyTorch engine",
    "frontend": "for the other engines",
    "extern": "libraries that RETURNN contains",
    "sprint": "RASR runs it, with a config of its own",
    "tf/engine_rf.py": "the engine for models of RETURNN's frontend",
    "tf/frontend_layers": "RETURNN's frontend",
    "tf/frontend_low_level": "RETURNN's frontend",
    "tf/checkpoint_rf.py": "RETURNN's frontend",
}
"""Modules that the TensorFlow engine for net dicts does not use, with the reason."""


def returnn_folder() -> Path:
    """:return: folder of the package, found without importing it"""
    return Path(importlib.util.find_spec("returnn").submodule_search_locations[0])


def options_read_by_returnn() -> dict[str, list[str]]:
    """:return: option → places, `file:line`"""
    folder, found = returnn_folder(), {}
    for file in sorted(folder.rglob("*.py")):
        name = file.relative_to(folder).as_posix()
        if not any(name == left_out or name.startswith(f"{left_out}/") for left_out in LEFT_OUT):
            for option, line in options_read_in(ast.parse(file.read_text())):
                found.setdefault(option, []).append(f"{name}:{line}")
    return found


def options_read_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yields (option, line) for `config.int("x", …)`, `config.typed_dict["x"]`, `….get("x")` and `"x" in config.typed_dict`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            read = node.func.attr in READERS and "config" in ast.unparse(node.func.value).lower()
            read = read or (node.func.attr == "get" and _is_typed_dict(node.func.value))
            arguments = node.args[:1] if read else []
        elif isinstance(node, ast.Subscript) and _is_typed_dict(node.value):
            arguments = [node.slice]
        elif isinstance(node, ast.Compare) and any(map(_is_typed_dict, node.comparators)):
            arguments = [node.left]
        else:
            continue
        yield from (
            (argument.value, node.lineno)
            for argument in arguments
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        )


def _is_typed_dict(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "typed_dict"


def data_set_options_of_returnn() -> dict[str, set[str]]:
    """:return: class of a data set → parameters of its constructor, and of those of the classes that it derives from"""
    trees = [ast.parse(file.read_text()) for file in sorted((returnn_folder() / "datasets").glob("*.py"))]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}

    def options(name: str) -> set[str]:
        found = set()
        for node in classes[name].body:
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                found |= {argument.arg for argument in (*node.args.args[1:], *node.args.kwonlyargs)}
        bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
        return found.union(*(options(base) for base in bases if base in classes))

    return {name: options(name) for name in classes}
