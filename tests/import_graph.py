"""Which Python file imports which, function-level and `TYPE_CHECKING` imports included."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path


def python_modules(root: Path, packages: Mapping[str, str]) -> dict[str, Path]:
    """
    :param packages: name of a package → its folder, relative to `root`
    :return: dotted name → file; a package is its `__init__.py`
    """
    found = {}
    for package, folder in packages.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = [package, *path.relative_to(root / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_graph(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """
    An import leads to the file that it names: `import a.b` and `from a.b import name` to a/b.py or a/b/__init__.py, and
    `from a import b` to the submodule, unless a/__init__.py itself defines `b`. That an import also executes the packages
    around a module does not count.

    :param modules: see `python_modules`
    :return: module → the modules of `modules` that it imports
    """
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules.items()}
    defined = {name: set(_defined(tree)) for name, tree in trees.items()}
    graph: dict[str, set[str]] = {}
    for name, tree in trees.items():
        package = name if modules[name].name == "__init__.py" else name.rpartition(".")[0]
        graph[name] = {
            target
            for module, attribute in imported_names(tree, package)
            if (target := _file_named(module, attribute, modules, defined)) not in (None, name)
        }
    return graph


def imported_names(tree: ast.AST, package: str = "") -> Iterator[tuple[str, str | None]]:
    """
    :param package: of the file, to resolve relative imports
    :return: (module, imported attribute or None), also of imports within functions and of constant names that are given to
        `importlib.import_module` or `__import__`
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            constants = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            yield from ((value, None) for value in constants if isinstance(value, str))


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """:return: strongly connected components of more than one node, sorted"""
    return sorted(sorted(component) for component in _components(graph) if len(component) > 1)


def _file_named(
    module: str, attribute: str | None, modules: Mapping[str, Path], defined: Mapping[str, set[str]]
) -> str | None:
    submodule = f"{module}.{attribute}"
    if attribute is not None and submodule in modules and attribute not in defined.get(module, ()):
        return submodule
    return module if module in modules else None


def _defined(tree: ast.Module) -> Iterator[str]:
    """:return: names that the module binds at its top level"""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _components(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """:return: strongly connected components, from the reachable nodes of each node: the graph has a few hundred nodes"""
    reachable: dict[str, set[str]] = {}
    for start in graph:
        seen, stack = set(), list(graph[start])
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack += graph[node]
        reachable[start] = seen
    found: list[set[str]] = []
    for node in graph:
        if not any(node in component for component in found):
            found.append({node} | {other for other in reachable[node] if node in reachable[other]})
    return found
