"""The option `extra_deps`: layers that exist if another one does."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.network.layer import Layer


def names_in(option: str | list[str] | None) -> tuple[str, ...]:
    """:return: the layers of an option that takes one name, a list of names, or None"""
    return (option,) if isinstance(option, str) else tuple(option or ())


@dataclass(frozen=True, kw_only=True)
class ExtraDeps(Layer):
    """
    :param extra_deps: layers, or one layer, that exist if this one does; they have no effect on its output
    """

    extra_deps: str | list[str] | None = None

    def further_layers(self) -> tuple[str, ...]:
        return (*super().further_layers(), *names_in(self.extra_deps))
