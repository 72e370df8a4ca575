"""`self` and `self.network`, as code in net dicts has them: names and meanings are RETURNN's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from boulder.errors import nearest
from boulder.lazy import tf
from boulder.network.code.data import MissingAttribute, SourceData
from boulder.network.tensor import Tensor


class _Known:
    """An object that says what it has, when it is asked for something else."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        known = [known for known in {*dir(type(self)), *vars(self)} if not known.startswith("_")]
        what = type(self).__name__.removeprefix("Code")
        raise MissingAttribute(f"{what} has no {name!r} for code in net dicts{nearest(name, known)}")


class CodeNetwork(_Known):
    """The network of the layer whose code runs."""

    def __init__(self, run) -> None:
        """
        :param run: `boulder.network.run.LayerRun`
        """
        self._run = run
        self.name = "root"
        self.parent_net = self.parent_layer = None

    @property
    def train_flag(self):
        """Scalar bool tensor: training, and not an evaluation."""
        return tf.constant(self._run.train)

    @property
    def global_train_step(self):
        """Scalar int64 tensor: how many updates there were before."""
        return self._run.step

    def cond_on_train(self, fn_train: Callable, fn_eval: Callable):
        """:return: of the one that is called; the other is not"""
        return fn_train() if self._run.train else fn_eval()

    def get_config(self):
        """
        :return: the options of the config, with the overrides of the phase
        :raises ConfigError: if the network is of no RETURNN config
        """
        from boulder.returnn.provided.active import get_global_config

        return get_global_config()

    def get_root_network(self) -> CodeNetwork:
        return self


class CodeLayer(_Known):
    """A layer: the one whose code runs, or one of its sources."""

    def __init__(self, name: str, output: SourceData, network: CodeNetwork, sources: Sequence[CodeLayer] = ()) -> None:
        """
        :param output: without a placeholder, if the layer is about to make it
        """
        self.name, self.output, self.network, self.sources = name, output, network, list(sources)

    def get_absolute_name(self) -> str:
        return self.name

    @property
    def train_flag(self):
        return self.network.train_flag


def code_layer(run, sources: Sequence[Tensor]) -> CodeLayer:
    """
    :param run: `boulder.network.run.LayerRun`
    :return: `self`
    """
    network, names = CodeNetwork(run), run.sources
    of_sources = [
        CodeLayer(name, SourceData(name, source, run), network) for name, source in zip(names, sources, strict=True)
    ]
    template = run.template
    return CodeLayer(run.name, SourceData(run.name, Tensor(None, template.axes, template), run), network, of_sources)
