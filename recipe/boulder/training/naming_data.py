"""Which of a phase's data sets an error is about."""

from collections.abc import Iterator
from contextlib import contextmanager

from boulder.errors import DataError


@contextmanager
def naming_data(name: str) -> Iterator[None]:
    """
    :param name: "train", "dev", …
    :raises DataError: that of the block, with the name before it
    """
    try:
        yield
    except DataError as error:
        raise DataError(f"{name} data: {error}") from error
