"""`initial_state`: the state of a recurrent layer before its first frame (RETURNN's `RnnCellLayer.get_rec_initial_state`).

It is "zeros", "ones" (also 0 and 1), "var" for a trained vector, or the name of a layer; or a dict or list with one of these for
each part of the state, such as {"c": …, "h": …}. A recurrent layer that is named gives its state after its last frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from boulder.counted import counted
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
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


def declare(
    given: Given, keys: Sequence[str | None], n: int, sources: Sequence[tuple[str, Template]], site: Site
) -> None:
    """
    Checks an `initial_state` and declares its trained vectors.

    :param keys: keys of the state
    :param n: size of each part of the state
    :param sources: absolute name and template of each of `layers_in(given)`
    :raises NetworkError: if it does not fit the state
    """
    named = dict(zip(layers_in(given), sources, strict=True))
    for name, (source, _) in named.items():
        if site.loop and source in site.beside:
            raise site.fail(
                f"'initial_state' names {name!r}, a layer of the loop; expected a layer outside, as 'base:…'"
            )
    for key, part in parts_of(given, keys, site).items():
        if part in _REFUSED:
            raise site.fail(f"'initial_state' {part!r} is not supported: each batch starts from its own initial state")
        if part == "var":
            site.param(_variable(key, site), (n,), 0.0)
        elif isinstance(part, str) and part in named:
            _check_layer(part, *named[part], keys, n, site, alone=not isinstance(given, dict | list | tuple))
        elif part not in (None, 0, 1, "zeros", "ones"):
            expected = f"a layer, 0, 1, {', '.join(map(repr, WORDS))}"
            raise site.fail(f"'initial_state' must be {expected}, found {part!r}")


def tensors(
    given: Given, templates: dict[str | None, Template], sources: Sequence[Tensor], run: LayerRun
) -> dict[str | None, Tensor]:
    """
    :param templates: templates of the state
    :param sources: one for each of `layers_in(given)`
    :return: the state before the first frame; a part may lack axes of its template
    """
    named = dict(zip(layers_in(given), sources, strict=True))
    alone = not isinstance(given, dict | list | tuple)
    found: dict[str | None, Tensor] = {}
    full: dict[tuple[Template, int], Tensor] = {}  # the parts of a state mostly begin with the same numbers
    for key, part in parts_of(given, list(templates), None).items():
        template = templates[key]
        if part == "var":
            variable = next(name for name in run.param_names if name.rpartition("/")[2] == _short(key))
            vector = Template((template.required("feature"),))
            found[key] = Tensor(run.param(variable), vector.axes, vector)
        elif isinstance(part, str) and part in named:
            memory = named[part].memory
            last = memory.last if memory else {}
            if alone and len(templates) > 1:
                found[key] = last[key]
            else:
                found[key] = run.input(list(last.values())) if last else named[part]
        else:
            filled = template, 1 if part in (1, "ones") else 0
            found[key] = full[filled] = full.get(filled) or run.full(*filled)
    return found


def parts_of(
    given: Given, keys: Sequence[str | None], site: Site | None, option: str = "initial_state"
) -> dict[str | None, Part]:
    """
    :param option: with this value
    :param site: for errors; None where `given` has been checked
    :return: key → initial value of that part
    """
    if isinstance(given, dict):
        if site and set(given) != set(keys):
            expected = _expected("have the keys", keys)
            raise site.fail(f"{option!r} must {expected}, found the keys {', '.join(map(repr, given))}")
        return {key: given[key] for key in keys}
    if isinstance(given, list | tuple):
        if site and (len(given) != len(keys) or tuple(keys) == (None,)):
            expected = _expected("have an entry for each of", keys)
            raise site.fail(f"{option!r} must {expected}, found {counted(len(given), 'entry', 'entries')}")
        return dict(zip(keys, given, strict=True))
    return dict.fromkeys(keys, given)


def _expected(verb: str, keys: Sequence[str | None]) -> str:
    return "be a single vector" if tuple(keys) == (None,) else f"{verb} {', '.join(map(repr, keys))}"


def _check_layer(
    name: str, source: str, template: Template, keys: Sequence[str | None], n: int, site: Site, alone: bool
) -> None:
    """
    :param alone: whether the layer gives all parts of the state
    """
    remembered = site.memory(source, template)
    if alone and len(keys) > 1:
        if remembered != dict.fromkeys(keys, n):
            parts = ", ".join(f"{key!r}: …" for key in keys)
            raise site.fail(
                f"'initial_state' names {name!r}, whose state is not {' and '.join(map(str, keys))} of size {n}; "
                f"expected {{{parts}}} with a layer of that size for each"
            )
        return
    size = sum(remembered.values()) if remembered else template.dim
    if size != n:
        raise site.fail(f"'initial_state' names {name!r} of size {size}, expected size {n}")
    if not remembered and (template.time is not None or template.feature is None or template.dtype != "float32"):
        raise site.fail(f"'initial_state' names {name!r}, expected a vector for each sequence, found {template}")


def _short(key: str | None) -> str:
    return f"initial_{key or 'var'}"


def _variable(key: str | None, site: Site) -> str:
    """
    :return: name of a trained vector within the layer. Within a loop RETURNN does not put it below `rec/`, unless it moves the
        layer out of the loop; here moving a layer out changes no path
    """
    return _short(key) if site.loop else f"rec/{_short(key)}"
