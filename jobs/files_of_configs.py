"""Paths of files that a RETURNN config names."""

import logging

from sisyphus import tk


def file_of_config(path: str) -> tk.Path:
    """
    :param path: absolute, since the config names the file relative to its own folder
    :return: without Sisyphus's advice to give a relative path, which cannot be followed here
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        return tk.Path(path)
    finally:
        logging.disable(before)
