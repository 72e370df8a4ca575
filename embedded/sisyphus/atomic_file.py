"""Files that a reader sees whole or not at all."""

import contextlib
import os


@contextlib.contextmanager
def replaced(path):
    """Yields a temporary path beside `path`. On leaving the context it is renamed; after an exception it is removed."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.new")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def write_text(path, text):
    with replaced(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
