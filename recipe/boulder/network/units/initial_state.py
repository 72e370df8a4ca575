"""`initial_state`: what a recurrent layer remembers before its first frame (RETURNN's `RnnCellLayer.get_rec_initial_state`).

It is "zeros", "ones" (also 0 and 1) or "var", a trained vector; a layer; or a dict or list that says it for each part, as
{"c": …, "h": …}. Of a recurrent layer it is what that remembers after its last frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from boulder.network.layer import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor

Given = str | float | dict | list | None
Part = str | float | None

WORDS = ("zeros", "ones", "var")
_REFUSED = ("keep_over_epoch", "keep_over_epoch_no_init", "placeholder")


def layers_in(given: Given) -> tuple[str, ...]:
    """:return: names of the layers that an `initial_state` names"""
    parts = given.values() if isinstance(given, dict) else given if isinstance(given, list | tuple) else [given]
    return tuple(dict.fromkeys(part for part in parts if isinstance(part, str) and part not in (*WORDS, *_REFUSED)))


def is_zero(given: Given) -> bool:
    return given in (None, 0, "zeros")


def declare(
    given: Given, keys: Sequence[str | None], n: int, sources: Sequence[tuple[str, Template]], site: Site
) -> None:
    """
    :param keys: of what is remembered
    :param n: size of each part
    :param sources: name and template of each of `layers_in`
    :raises NetworkError: if it does not fit what is remembered
    """
    named = dict(zip(layers_in(given), sources, strict=True))
    for name, (source, _) in named.items():
        if site.loop and source.startswith(site.name.rpartition("/")[0] + "/"):
            raise site.fail(
                f"'initial_state' names {name!r}, which is within the loop; of layers outside it names 'base:…'"
            )
    parts = _parts(given, keys, site)
    for key, part in parts.items():
        if part in _REFUSED:
            raise site.fail(f"'initial_state' {part!r} is not supported: each batch begins anew")
        if part in ("var",):
            site.param(_variable(key, site), (n,), 0.0)
        elif part in named:
            _check_layer(part, *named[part], keys, n, site, alone=not isinstance(given, dict | list | tuple))
        elif part not in (None, 0, 1, "zeros", "ones"):
            raise site.fail(f"'initial_state' is a layer, 0, 1, {', '.join(map(repr, WORDS))}, found {part!r}")


def tensors(
    given: Given, state: dict[str | None, Template], sources: Sequence[Tensor], run
) -> dict[str | None, Tensor]:
    """
    :param state: templates of what is remembered
    :param sources: of each of `layers_in`
    """
    named = dict(zip(layers_in(given), sources, strict=True))
    alone, found = not isinstance(given, dict | list | tuple), {}
    for key, part in _parts(given, list(state), None).items():
        template = state[key]
        if part == "var":
            variable = next(name for name in run.paths if name.rpartition("/")[2] == _short(key))
            vector = Template((template.feature,))
            found[key] = Tensor(run.param(variable), vector.axes, vector)
        elif part in named:
            last = named[part].memory.last if named[part].memory else {}
            if alone and len(state) > 1:
                found[key] = last[key]
            else:
                found[key] = run.input(list(last.values())) if last else named[part]
        else:
            found[key] = run.full(template, 1 if part in (1, "ones") else 0)
    return found


def _parts(given: Given, keys: Sequence[str | None], site: Site | None) -> dict[str | None, Part]:
    """:return: for each key, what is said of it"""
    if isinstance(given, dict):
        if site and set(given) != set(keys):
            raise site.fail(f"'initial_state' must have the keys {_text(keys)}, found {', '.join(map(repr, given))}")
        return {key: given[key] for key in keys}
    if isinstance(given, list | tuple):
        if site and (len(given) != len(keys) or keys == (None,)):
            raise site.fail(f"'initial_state' must say it for {_text(keys)}, found {len(given)} entries")
        return dict(zip(keys, given, strict=True))
    return dict.fromkeys(keys, given)


def _text(keys: Sequence[str | None]) -> str:
    return "one vector without a name" if keys == (None,) else ", ".join(map(repr, keys))


def _check_layer(name: str, source: str, template: Template, keys, n: int, site: Site, alone: bool) -> None:
    remembered = site.memory(source, template)
    if alone and len(keys) > 1:
        if remembered != dict.fromkeys(keys, n):
            parts = ", ".join(f"{key!r}: …" for key in keys)
            raise site.fail(
                f"'initial_state' names {name!r}, which remembers no {' and '.join(keys)} of size {n}; "
                f"say {{{parts}}} with a layer of that size for each"
            )
        return
    size = sum(remembered.values()) if remembered else template.dim
    if size != n:
        raise site.fail(f"'initial_state' names {name!r} of size {size}, but it must be {n}")
    if not remembered and (template.time is not None or template.feature is None or template.dtype != "float32"):
        raise site.fail(f"'initial_state' names {name!r}, which is {template} and no vector for each sequence")


def _short(key: str | None) -> str:
    return f"initial_{key or 'var'}"


def _variable(key: str | None, site: Site) -> str:
    """In a loop, RETURNN has its path not below `rec/`, as that of the others is; unless the layer is moved out of the loop,
    which here changes no path."""
    return _short(key) if site.loop else f"rec/{_short(key)}"
