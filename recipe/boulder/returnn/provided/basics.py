"""`returnn.util.basic`, `returnn.log` and what else of RETURNN's has little to do with networks."""

import sys
from enum import Enum

from boulder.returnn.placeholders import StandInModule

PY3 = True
unicode = str
long = int

v1 = StandInModule("tensorflow.compat.v1")
v2 = StandInModule("tensorflow.compat.v2")


class NotSpecified:
    """A default argument that is not None."""


class BackendEngine(Enum):
    """Boulder is what RETURNN calls TensorFlow net dicts."""

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
    """The option `behavior_version` of the config that is active."""

    @classmethod
    def get(cls) -> int:
        from boulder.returnn.provided.active import get_global_config

        config = get_global_config(raise_exception=False)
        return config.int("behavior_version", 0) if config else 0


class _Log:
    """Writes to stderr, whatever the verbosity."""

    def __getattr__(self, name: str):
        if name in ("error", "v1", "v2", "v3", "v4", "v5"):
            return sys.stderr
        raise AttributeError(name)


log = _Log()


def cf(filename: str) -> str:
    """The cache manager of one institute's cluster. Here the file itself."""
    return filename


def register_layer_class(layer_class: type) -> None:
    """A config may do so. The class is a placeholder's child: a network that uses it is told so when it is checked."""


def install(*_args, **_kwargs) -> None:
    """`better_exchook.install()`: Boulder tells errors in its own way."""
