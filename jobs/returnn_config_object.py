"""A RETURNN config that a Sisyphus set-up holds as an object, in Boulder's terms.

The object is a dict, or has the attributes of i6_core's `ReturnnConfig`: `config`, `post_config`, `python_prolog`,
`python_epilog` and `staged_network_dict`. It is recognised by these attributes; i6_core is not imported.
"""

from __future__ import annotations

import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping
from typing import Any

from boulder.awaited import resolved as value_of
from boulder.errors import ConfigError
from boulder.returnn.config_pieces import Code, Piece
from sisyphus import tk
from sisyphus.delayed_ops import DelayedBase


def config_pieces(config: Any, options: Mapping[str, Any]) -> list[Piece]:
    """
    :param config: the object
    :param options: options that replace those of the object
    :return: prolog, options and epilog, as `boulder.returnn.config_pieces` takes them
    :raises ConfigError: for another object, a variable without a value yet, or code without a source
    """
    if isinstance(config, Mapping):
        return [("config", resolved(dict(config), "config")), ("options", dict(options))]
    values = getattr(config, "config", None)
    if not isinstance(values, Mapping):
        raise ConfigError(
            f"train_returnn: found {config!r:.80}, expected the path of a RETURNN config, a dict of options, or an object "
            "with `config`, `post_config`, `python_prolog` and `python_epilog` such as i6_core's ReturnnConfig"
        )
    post: Mapping[str, Any] = getattr(config, "post_config", None) or {}
    for key in values:
        if key in post:
            raise ConfigError(
                f"train_returnn: found {key!r} in `config` and in `post_config`, expected it in one of them"
            )
    return [
        *_code(getattr(config, "python_prolog", None), "python_prolog"),
        ("config", resolved({**values, **post}, "config")),
        *_staged(getattr(config, "staged_network_dict", None)),
        ("options", dict(options)),
        *_code(getattr(config, "python_epilog", None), "python_epilog"),
    ]


def resolved(value: Any, where: str) -> Any:
    """
    :param where: keys to the value, for messages
    :return: `value` with the values of variables, and `Code` for code; files remain path objects
    :raises NotYetKnown: for a variable without a value yet
    """
    if isinstance(value, tk.Path):
        return value
    if isinstance(value, DelayedBase):
        return resolved(value_of(value, where), where)
    if isinstance(value, Mapping):
        return {key: resolved(item, f"{where}/{key}") for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(resolved(item, f"{where}[{i}]") for i, item in enumerate(value))
    if type(value).__name__ == "CodeWrapper" and hasattr(value, "code"):
        return Code(str(resolved(value.code, where)))
    path = getattr(value, "index_path", None) or getattr(value, "path", None)
    if isinstance(path, tk.Path) and hasattr(value, "exists"):  # i6_core's objects for checkpoints
        return path
    return value


def check_files(value: Any, where: str) -> None:
    """
    :param value: data streams, or a net dict
    :raises ConfigError: for a file that a job makes: the training would not wait for it
    """
    if isinstance(value, tk.Path) and value.creator is not None:
        raise ConfigError(
            f"{where}: found {value!r:.80}, which a job makes; expected such files only in data sets and checkpoints to start from"
        )
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_files(item, f"{where}/{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            check_files(item, f"{where}[{number}]")


_GET_NETWORK = """
def get_network(epoch, **_kwargs):
    return _networks[max(first for first in _networks if first <= epoch)]
"""


def _staged(networks: Mapping[int, Any] | None) -> Iterator[Piece]:
    """Yields the networks by epoch, given as net dicts or as code that defines `network`, as `get_network`."""
    if not networks:
        return
    title = "staged_network_dict"
    for epoch in networks:
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
            raise ConfigError(f"{title}: found key {epoch!r:.60}, expected the number of an epoch")
    if min(networks) > 1:
        raise ConfigError(f"{title}: found first epochs {sorted(networks)}, expected a network for epoch 1")
    yield title, {"_networks": {}}
    for epoch, network in networks.items():
        if isinstance(network, str):
            yield title, f"{network}\n_networks[{epoch}] = network\ndel network\n"
        elif isinstance(network, Mapping):
            yield title, {"network": resolved(network, f"{title}[{epoch}]")}
            yield title, f"_networks[{epoch}] = network\ndel network\n"
        else:
            raise ConfigError(
                f"{title}[{epoch}]: found {network!r:.60}, expected a net dict, or code that defines `network`"
            )
    yield title, _GET_NETWORK


def _code(code: Any, title: str) -> Iterator[Piece]:
    """Yields code that is given as text, functions, classes, or lists and dicts of them."""
    if code is None or code == "":
        return
    if isinstance(code, str):
        yield title, code
    elif isinstance(code, list | tuple):
        for item in code:
            yield from _code(item, title)
    elif isinstance(code, Mapping):
        for name, item in code.items():
            if isinstance(item, types.FunctionType) and item.__name__ == "<lambda>":
                yield title, {name: item}
            else:
                yield from _code(item, title)
    elif isinstance(code, types.FunctionType | type):
        try:
            yield title, textwrap.dedent(inspect.getsource(code))
        except (OSError, TypeError):
            raise ConfigError(
                f"{title}: found no source of {code!r:.80}; expected a function of a file, or text"
            ) from None
    elif isinstance(code, DelayedBase) or callable(getattr(code, "get", None)):  # e.g. i6_core's serialization objects
        if isinstance(code, DelayedBase):
            resolved(code, title)
        yield from _code(code.get(), title)
    else:
        raise ConfigError(
            f"{title}: found {code!r:.80}, expected a text, a function, a class, or a list or dict of them"
        )
