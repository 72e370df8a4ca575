"""Stand-in for Sisyphus where the real one is not installed: its API, job ids and work directories, on one machine.

Written for Boulder and much smaller than upstream (github.com/rwth-i6/sisyphus), whose documentation holds here too.
"""

import sys

import sisyphus.toolkit as tk
from sisyphus.job import Job
from sisyphus.loader import RecipeFinder
from sisyphus.task import Task

gs = tk.gs
Path = tk.Path
__all__ = ["Job", "Path", "Task", "gs", "tk"]

if RecipeFinder not in sys.meta_path:
    sys.meta_path.append(RecipeFinder)
