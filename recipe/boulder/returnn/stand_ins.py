"""The modules that RETURNN configs import, resolved without RETURNN: an import hook, and what is in which module.

RETURNN's modules have two names each, `returnn.tf.util.basic` and, from before 2021, `TFUtil` (also `returnn.TFUtil`).
What of them Boulder provides is in `provided`; the rest is placeholders. An installed RETURNN is not looked at, so that a
config gives the same plan everywhere.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types

from boulder.returnn.placeholders import LAZY, StandInModule

OLD_NAMES = {
    "rnn": "__main__",
    "BundleFile": "datasets.bundle_file",
    "CachedDataset": "datasets.cached",
    "CachedDataset2": "datasets.cached2",
    "Config": "config",
    "Dataset": "datasets.basic",
    "Debug": "util.debug",
    "DebugHelpers": "util.debug_helpers",
    "EngineBase": "engine.base",
    "EngineBatch": "engine.batch",
    "Fsa": "util.fsa",
    "GeneratingDataset": "datasets.generating",
    "HDFDataset": "datasets.hdf",
    "HyperParamTuning": "tf.hyper_param_tuning",
    "LearningRateControl": "learning_rate_control",
    "LmDataset": "datasets.lm",
    "Log": "log",
    "MetaDataset": "datasets.meta",
    "NativeOp": "native_op",
    "NormalizationData": "datasets.normalization_data",
    "NumpyDumpDataset": "datasets.numpy_dump",
    "Pretrain": "pretrain",
    "RawWavDataset": "datasets.raw_wav",
    "SprintCache": "sprint.cache",
    "SprintControl": "sprint.control",
    "SprintDataset": "datasets.sprint",
    "SprintErrorSignals": "sprint.error_signals",
    "SprintExternInterface": "sprint.extern_interface",
    "SprintInterface": "sprint.interface",
    "StereoDataset": "datasets.stereo",
    "TFCompat": "tf.compat",
    "TFDataPipeline": "tf.data_pipeline",
    "TFDistributed": "tf.distributed",
    "TFEngine": "tf.engine",
    "TFHorovod": "tf.horovod",
    "TFKenLM": "tf.util.ken_lm",
    "TFNativeOp": "tf.native_op",
    "TFNetwork": "tf.network",
    "TFNetworkLayer": "tf.layers.basic",
    "TFNetworkRecLayer": "tf.layers.rec",
    "TFNetworkSegModLayer": "tf.layers.segmental_model",
    "TFNetworkSigProcLayer": "tf.layers.signal_processing",
    "TFSprint": "tf.sprint",
    "TFUpdater": "tf.updater",
    "TFUtil": "tf.util.basic",
    "TaskSystem": "util.task_system",
    "Util": "util.basic",
    "better_exchook": "util.better_exchook",
}
"""As people import them → within `returnn`."""

_PROVIDED = {
    "config": ("active", ("Config", "get_global_config")),
    "__main__": ("active", ("get_global_config",)),
    "import_": ("repositories", ("import_",)),
    "import_.import_": ("repositories", ("import_",)),
    "log": ("basics", ("log",)),
    "pretrain": ("pretrain", ("WrapEpochValue",)),
    "tensor": ("dims", None),
    "tensor.dim": ("dims", None),
    "tf.compat": ("basics", ("v1", "v2")),
    "tf.layers.basic": ("basics", ("register_layer_class",)),
    "tf.network": ("basics", ("register_layer_class",)),
    "tf.util.basic": (
        "tensors",
        ("Data", "Dim", "DimensionTag", "dropout", "get_shape", "get_shape_dim", "safe_exp", "safe_log", "where_bc"),
    ),
    "tf.util.data": ("dims", None),
    "util.basic": ("basics", ("BackendEngine", "BehaviorVersion", "NotSpecified", "PY3", "cf", "long", "unicode")),
    "util.better_exchook": ("basics", ("install",)),
}
"""Module within `returnn` → the one of `boulder.returnn.provided` that it takes names from; None: its `__all__`"""

TOP_LEVEL = frozenset({"returnn", *OLD_NAMES, *LAZY})


def is_stand_in(name: str) -> bool:
    """:return: whether a config that imports this gets ours"""
    return name.partition(".")[0] in TOP_LEVEL


def stand_in_module(name: str) -> types.ModuleType:
    """
    :param name: as a config imports it
    :return: a new module: what it has, and a placeholder for whatever else it is asked for
    """
    module = StandInModule(name)
    _fill(module)
    return module


def _fill(module: types.ModuleType) -> None:
    path = _within_returnn(module.__name__)
    if path not in _PROVIDED:
        return
    source, names = _PROVIDED[path]
    provided = importlib.import_module(f"boulder.returnn.provided.{source}")
    for name in names or provided.__all__:
        setattr(module, name, getattr(provided, name))
    if path == "__main__":
        module.config = provided.get_global_config(raise_exception=False)


def _within_returnn(name: str) -> str:
    top, _, rest = name.partition(".")
    path = rest if top == "returnn" else name
    top, dot, rest = path.partition(".")
    return OLD_NAMES.get(top, top) + dot + rest


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The import hook."""

    def __init__(self, lazy: bool) -> None:
        """
        :param lazy: whether TensorFlow is a stand-in as well: while planning, but not in a worker
        """
        self.lazy = lazy

    def find_spec(self, fullname: str, path=None, target=None) -> importlib.machinery.ModuleSpec | None:
        if not is_stand_in(fullname) or (not self.lazy and fullname.partition(".")[0] in LAZY):
            return None
        is_package = fullname not in OLD_NAMES
        return importlib.util.spec_from_loader(fullname, self, is_package=is_package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return StandInModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        _fill(module)


def hidden_names(lazy: bool) -> list[str]:
    """:return: modules that are loaded under the name of a stand-in, e.g. of an installed RETURNN"""
    return [name for name in sys.modules if is_stand_in(name) and (lazy or name.partition(".")[0] not in LAZY)]
