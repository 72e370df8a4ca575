"""Reads RETURNN's config files without RETURNN, and without loading TensorFlow.

    config = load_config("returnn.config", {"num_epochs": "20"})
    config.plan().phases

`config_file` parses the file formats; `config` interprets the options; `config_object` is the global `config` that the
file itself sees; `overrides` applies the `#config` of a phase; `training` translates training options and data sets.
`surroundings` isolates configs from each other. `stand_ins`, `placeholders` and `provided` replace the modules that
configs import.
"""

from boulder.returnn.config import ReturnnConfig, load_config

__all__ = ["ReturnnConfig", "load_config"]
