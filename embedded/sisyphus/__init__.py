"""Stand-in for Sisyphus where the real one is not installed: same API, job ids and work directories.

Runs jobs on this machine, on Slurm or on Grid Engine. Written for Boulder and much smaller than upstream
(github.com/rwth-i6/sisyphus), whose documentation applies here as well.
"""

import sys

import sisyphus.toolkit as tk
from sisyphus.job import Job
from sisyphus.loader import RecipeFinder
from sisyphus.needs_upstream import MissingModules
from sisyphus.task import Task

gs = tk.gs
Path = tk.Path
setup_path = tk.setup_path
__all__ = ["Job", "Path", "Task", "gs", "setup_path", "tk"]

if RecipeFinder not in sys.meta_path:
    sys.meta_path += [RecipeFinder, MissingModules()]
