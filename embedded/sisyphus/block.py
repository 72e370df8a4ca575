"""Blocks group jobs in upstream's web view. There is none here, so that they only have to do no harm."""

import contextlib
import functools


class block(contextlib.ContextDecorator):
    """For `with block("x"):` and `@block(cache=True)`; a cached function returns its first result again."""

    def __init__(self, name=None, cache=False):
        self.name = name
        self.cache = cache

    def __call__(self, function):
        return functools.cache(function) if self.cache else function

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


sub_block = block


def set_root_block(name):
    """Called by upstream with the name of the config that is loaded."""
