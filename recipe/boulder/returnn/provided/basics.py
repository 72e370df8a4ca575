"""`returnn.util.basic`, `returnn.log` and other names that have little to do with networks."""

import os
import pwd
import sys
from enum import Enum
from typing import TextIO

from boulder.network.code.active_config import active_config
from boulder.returnn.placeholders import StandInModule

PY3 = True
unicode = str
long = int

v1 = StandInModule("tensorflow.compat.v1")
v2 = StandInModule("tensorflow.compat.v2")


class NotSpecified:
    """A default argument that is not None."""


class BackendEngine(Enum):
    """Boulder corresponds to RETURNN's engine TensorFlowNetDict."""

    Theano = 0
    TensorFlowNetDict = 1
    TensorFlow = TensorFlowNetDict
    Torch = 3

    @classmethod
    def is_tensorflow_selected(cls) -> bool:
        return True

    @classmethod
    def is_theano_selected(cls) -> bool:
        return False

    @classmethod
    def is_torch_selected(cls) -> bool:
        return False


class BehaviorVersion:
    """The option `behavior_version` of the active config."""

    @classmethod
    def get(cls) -> int:
        config = active_config()
        return config.int("behavior_version", 0) if config else 0


class _Log:
    """Writes to stderr at any verbosity."""

    def __getattr__(self, name: str) -> TextIO:
        if name in ("error", "v1", "v2", "v3", "v4", "v5"):
            return sys.stderr
        raise AttributeError(name)


log = _Log()


def cf(filename: str) -> str:
    """Stands for an institute's cache manager; returns the file itself."""
    return filename


def get_login_username() -> str:
    """:return: name of the user, for paths; the number of a user without a name, as in a container"""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def register_layer_class(layer_class: type) -> None:
    """Does nothing. The class derives from a placeholder, so a network that uses it raises an error when it is checked."""


def install(*_args: object, **_kwargs: object) -> None:
    """Does nothing, in place of `better_exchook.install()`."""
