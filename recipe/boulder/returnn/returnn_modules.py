"""RETURNN's modules, and which of their names `boulder.returnn.provided` defines.

Each module has two names, such as `returnn.tf.util.basic` and, from before 2021, `TFUtil` (also `returnn.TFUtil`).
"""

from __future__ import annotations

import importlib
import types

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
"""Old top-level name → name within `returnn`."""

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
    "tf.util.basic": ("tensors", None),
    "tf.util.data": ("dims", None),
    "util.basic": (
        "basics",
        ("BackendEngine", "BehaviorVersion", "NotSpecified", "PY3", "cf", "get_login_username", "long", "unicode"),
    ),
    "util.better_exchook": ("basics", ("install",)),
}
"""Module within `returnn` → (module of `boulder.returnn.provided`, names taken from it); None: its `__all__`"""


def fill(module: types.ModuleType) -> None:
    """Defines in a stand-in module the names that Boulder provides for it."""
    path = _within_returnn(module.__name__)
    if path not in _PROVIDED:
        return
    source, names = _PROVIDED[path]
    provided = importlib.import_module(f"boulder.returnn.provided.{source}")
    for name in names or provided.__all__:
        setattr(module, name, getattr(provided, name))
    if path == "__main__":
        vars(module)["config"] = provided.get_global_config(raise_exception=False)


def new_name(name: str) -> str:
    """:return: `returnn.tf.util.basic` for `TFUtil` or `returnn.TFUtil`, and for itself"""
    path = _within_returnn(name)
    return f"returnn.{path}" if path and name != "returnn" else "returnn"


def _within_returnn(name: str) -> str:
    top, _, rest = name.partition(".")
    path = rest if top == "returnn" else name
    top, dot, rest = path.partition(".")
    return OLD_NAMES.get(top, top) + dot + rest
