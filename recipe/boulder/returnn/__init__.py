"""Reads RETURNN's config files, without RETURNN and without loading TensorFlow.

    config = load_config("returnn.config", {"num_epochs": "20"})
    config.plan().phases

Pure Python. `placeholders` and `stand_ins` are what a config imports, `surroundings` keep configs apart from each other,
`config_file` knows the file formats, `config` what the options mean.
"""

from boulder.returnn.config import ReturnnConfig, load_config

__all__ = ["ReturnnConfig", "load_config"]
