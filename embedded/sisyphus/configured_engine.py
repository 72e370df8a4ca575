"""Creates the engine that settings.py defines; by default this machine runs the jobs."""

import logging

import psutil

import sisyphus.global_settings as gs
from sisyphus.localengine import LocalEngine


def configured_engine():
    if gs.engine is not None:
        return gs.engine()
    cpus = psutil.cpu_count()
    logging.info(f"settings define no engine(): this machine runs the jobs, LocalEngine(cpu={cpus}, gpu=0)")
    return LocalEngine(cpu=cpus, gpu=0)
