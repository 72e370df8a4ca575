"""`self` and `self.network` as code in net dicts sees them. Names and meanings are RETURNN's."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy

from boulder.errors import nearest
from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis
from boulder.network.code.active_config import required_config
from boulder.network.code.data import MissingAttribute, SourceData
from boulder.network.layer_run import LayerRun
from boulder.network.tensor import Tensor

_INSTEAD = {
    **dict.fromkeys(
        ("get_layer", "layers", "get_data", "extern_data", "get_extern_data"),
        "code sees what its layer reads; expected the layer, or data:KEY, in 'from', and source(i)",
    ),
    **dict.fromkeys(
        (
            "get_rec_step_index",
            "get_rec_step_info",
            "have_rec_step_info",
            "is_inside_rec_layer",
            "get_rec_parent_layer",
        ),
        "a layer of a loop may be computed for all frames at once; expected ':i' in 'from', the number of the frame",
    ),
    **dict.fromkeys(
        ("add_param", "params", "var_creation_scope"),
        "code has no parameters; expected a layer 'variable' in 'from'",
    ),
    **dict.fromkeys(
        ("epoch_step", "get_epoch_step"), "a step is counted over the whole training; expected global_train_step"
    ),
    "search_choices": "the hypotheses of a search are entries of the batch for code",
}
"""Attribute of RETURNN's objects → why code lacks it, and what it has instead."""


class _Known:
    """An object whose error for a missing attribute names the nearest one."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = [known for known in {*dir(type(self)), *vars(self)} if not known.startswith("_")]
        what = type(self).__name__.removeprefix("Code")
        if name in _INSTEAD:
            raise MissingAttribute(f"{what} has no {name!r} for code in net dicts: {_INSTEAD[name]}")
        raise MissingAttribute(f"{what} has no {name!r} for code in net dicts{nearest(name, known)}")


class Running(Protocol):
    """What `CodeNetwork` reads, of a layer or of a training step."""

    @property
    def train(self) -> bool: ...
    @property
    def step(self) -> TFTensor: ...


class CodeNetwork(_Known):
    """The network of the layer, or of the training step, whose code runs."""

    def __init__(self, run: Running) -> None:
        self._run = run
        self.name = "root"
        self.parent_net = self.parent_layer = None

    @property
    def train_flag(self) -> TFTensor:
        """:return: scalar bool tensor, True in training"""
        return tf.constant(self._run.train)

    @property
    def eval_flag(self) -> bool:
        """:return: whether the network is evaluated, not trained"""
        return not self._run.train

    def get_current_train_flag(self) -> TFTensor:
        return self.train_flag

    @functools.cached_property
    def random(self) -> numpy.random.RandomState:
        """:return: random numbers that are the same in each step, for seeds of other random numbers"""
        return numpy.random.RandomState(zlib.crc32(getattr(self._run, "name", "").encode()))

    def get_absolute_name_scope_prefix(self) -> str:
        return ""

    get_absolute_name_prefix = get_absolute_name_scope_prefix

    @property
    def global_train_step(self) -> TFTensor:
        """:return: scalar int64 tensor, number of updates before this one"""
        return self._run.step

    def cond_on_train(self, fn_train: Callable[[], Any], fn_eval: Callable[[], Any]) -> Any:
        """Calls `fn_train` in training, otherwise `fn_eval`, and returns the result."""
        return fn_train() if self._run.train else fn_eval()

    def get_config(self, consider_global_config: bool = True, fallback_dummy_config: bool = True) -> Any:
        """
        :param consider_global_config: has no effect here, as `fallback_dummy_config`
        :return: the options of the config, with the overrides of the phase
        :raises ConfigError: if the network does not come from a RETURNN config
        """
        return required_config()

    def get_root_network(self) -> CodeNetwork:
        return self


class CodeLayer(_Known):
    """The layer whose code runs, or one of its sources."""

    def __init__(self, name: str, output: SourceData, network: CodeNetwork, sources: Sequence[CodeLayer] = ()) -> None:
        """
        :param output: without a placeholder for the layer whose code runs
        """
        self.name, self.output, self.network, self.sources = name, output, network, list(sources)

    def get_absolute_name(self) -> str:
        return self.name

    def get_base_absolute_name_scope_prefix(self) -> str:
        return f"{self.name}/"

    get_absolute_name_scope_prefix = get_base_absolute_name_scope_prefix

    @property
    def train_flag(self) -> TFTensor:
        return self.network.train_flag


class CodeChoice(CodeLayer):
    """A `choice` in a search."""

    explicit_search_sources: list[CodeLayer] | dict[int | str, CodeLayer]


def code_layer(run: LayerRun, sources: Sequence[Tensor], length: Callable[[Axis], TFTensor]) -> CodeLayer:
    """
    :param length: time axis → int32 [B]
    :return: `self` for the code of a layer
    """
    network = CodeNetwork(run)
    of_sources = [
        CodeLayer(name, SourceData(name, source, length), network)
        for name, source in zip(run.sources, sources, strict=True)
    ]
    template = run.template
    return CodeLayer(run.name, SourceData(run.name, Tensor(None, template.axes, template), length), network, of_sources)
