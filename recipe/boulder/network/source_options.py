"""Which option of a layer names a source, for messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from boulder.errors import NetworkError
from boulder.network.layer import Layer

_FROM = "'from' names"


def option_with(layer: Layer, text: str) -> str:
    """:return: the option of the layer that names this source: "from" if several do, or one within a dict"""
    sources = [layer.sources] if isinstance(layer.sources, str) else layer.sources
    if text not in sources:
        for field in fields(layer):
            value = getattr(layer, field.name)
            if value == text or (isinstance(value, list | tuple) and text in value):
                return field.name
    return "from"


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Context in which the message about a source that does not exist names the option."""
    try:
        yield
    except NetworkError as error:
        if option == "from" or _FROM not in str(error):
            raise
        raise NetworkError(str(error).replace(_FROM, f"{option!r} names", 1)) from None
