"""What the setups share. Their data sets are named by the folder in which they lie."""

from zlib import crc32

import numpy as np

settings = {
    "task": "train",
    "backend": "tensorflow-net-dict",
    "use_tensorflow": True,
    "device": "cpu",
    "model": "net",
    "learning_rate_file": "learning_rates",
    "save_epoch1_initial_model": True,
    "log_verbosity": 3,
    "cache_size": "0",
    "extern_data": {"data": {"dim": 5}, "classes": {"dim": 6, "sparse": True}, "words": {"dim": 4, "sparse": True}},
    "batch_size": 60,
    "max_seqs": 8,
    "optimizer": {"class": "adam", "epsilon": 1e-4},
    "gradient_clip": 0,
}


def data(name, **options):
    return {"class": "HDFDataset", "files": [f"../{name}.hdf"], "use_cache_manager": False, **options}


settings["train"] = data("train", seq_ordering="sorted")
settings["dev"] = data("dev", seq_ordering="sorted")


def init_new_network_callback(session, new_epoch, new_network, **_others):
    """New parameters have values that follow from their names, so that they are the same in each implementation."""
    for layer in new_network.layers.values():
        for param in layer.params.values():
            random = np.random.RandomState(crc32(f"{new_epoch} {param.name}".encode()))
            values = random.uniform(-0.3, 0.3, param.shape.as_list()).astype("float32")
            param.load(abs(values) if "variance" in param.name else values, session)


def setup(name):
    """:return: the text of a config of tests/setups, without random numbers"""
    with open(f"../{name}.config") as file:
        return file.read().replace('config.bool("random", True)', "False")


settings_of_setups = {
    **{key: value for key, value in settings.items() if key != "extern_data"},
    "train": data("setups-train", seq_ordering="sorted"),
    "dev": data("setups-dev", seq_ordering="sorted"),
    "batch_size": 20000,
    "max_seqs": 4,
    "optimizer": {
        "class": "adam",
        "epsilon": 1e-3,
    },  # the gradient of a bias in front of batch norm is a rounding error
}
"""of a config of tests/setups, whose batches have no padding: RETURNN's convolutions read it"""
