"""Facts about a Sisyphus as JSON. Run it in an empty directory, with upstream or the embedded one on PYTHONPATH.

    PYTHONPATH=SISYPHUS:tests/embedded:. python tests/embedded/facts.py            prints the facts
    PYTHONPATH=SISYPHUS:tests/embedded:. python tests/embedded/facts.py --answer   to each line, an expression: its hash

tests/embedded/record_upstream.py records upstream's, and tests/embedded/test_same_as_upstream.py compares.
"""

import ast
import collections  # noqa: F401
import contextlib
import datetime  # noqa: F401
import fractions  # noqa: F401
import functools  # noqa: F401
import importlib
import inspect
import json
import pathlib
import pickle
import pickletools
import sys

from fact_things import *  # noqa: F403
from fact_things import HASHED, JOBS, Job, Simple, expressions
from generated_things import job_classes

import sisyphus.global_settings as gs
import sisyphus.toolkit as tk
from sisyphus.delayed_ops import DelayedJoin, DelayedSlice  # noqa: F401
from sisyphus.hash import short_hash
from sisyphus.task import Task

# differ by nature
LEFT_OUT = {
    "SIS_COMMAND",
    "SIS_HASH",
    "GLOBAL_SETTINGS_FILE_CONTENT",
    "BASE_DIR",
    "TMP_PREFIX",
    "SISYPHUS_LOGO",
    "TYPE_CHECKING",
}


def hash_of(text):
    """The hash of an object; the id of a job."""
    try:
        obj = eval(text, globals())
        return obj.job_id() if isinstance(obj, Job) else short_hash(obj)
    except (AssertionError, TypeError, ValueError):  # upstream asserts, we name the reason
        return "refused"


def answer():
    """Answers expressions from stdin until its end."""
    for name in job_classes():
        globals()[name.partition(".")[0]] = sys.modules[name.partition(".")[0]]
    for line in sys.stdin:
        print(json.dumps(hash_of(json.loads(line))), flush=True)


def settings():
    plain = (int, float, str, list, dict, set, type(None))
    return {
        name: sorted(value) if isinstance(value, set) else value
        for name, value in vars(gs).items()
        if name.isupper() and isinstance(value, plain) and name not in LEFT_OUT
    }


def saved_job():
    """Classes and attributes named in a job.save."""
    job = Simple(1, Simple(2).out)
    names = {str(arg) for op, arg, _ in pickletools.genops(pickle.dumps(job)) if op.name.endswith("UNICODE")}
    return sorted(name for name in names if name.startswith(("sisyphus", "_sis", "fact_things")))


def argument_ranges():
    """The arguments of each worker of a task array."""
    tasks = {f"{n} in {p}": Task("run", args=range(n), parallel=p) for n in (1, 5, 7, 12) for p in (1, 2, 5)}
    deal = getattr(Task, "args_of", None) or Task._get_arg_idx_for_task_id
    return {name: [list(deal(task, i)) for i in task.task_ids()] for name, task in tasks.items()}


def names_used():
    """
    :return: what this Sisyphus has under each name that jobs/ and settings.py import from it, and under each `_sis_` name
        that they use, see `described`
    """
    root = pathlib.Path(__file__).resolve().parents[2]
    job = Simple(1)
    found = {}
    for file in [root / "settings.py", *sorted((root / "jobs").rglob("*.py"))]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sisyphus":
                for name in (alias.name for alias in node.names):
                    found[f"{node.module}.{name}"] = kind_of(node.module, name)
            elif isinstance(node, ast.Attribute) and node.attr.startswith("_sis_"):
                owner = tk if hasattr(tk, node.attr) else job
                found[node.attr] = described(getattr(owner, node.attr, None))
    return found


def kind_of(module, name):
    value = getattr(importlib.import_module(module), name, None)
    with contextlib.suppress(ImportError):
        value = importlib.import_module(f"{module}.{name}") if value is None else value
    return described(value)


def described(value):
    """:return: "callable", "class", "missing", or the type of the value"""
    if inspect.isroutine(value):
        return "callable"
    return {type(None): "missing"}.get(type(value), "class" if isinstance(value, type) else type(value).__name__)


def main():
    facts = {
        "names_used": names_used(),
        "hashes": {text: hash_of(text) for text in [*expressions(HASHED), *expressions(JOBS)]},
        "job_classes": sorted(job_classes()),
        "saved_job": saved_job(),
        "settings": settings(),
        "argument_ranges": argument_ranges(),
    }
    json.dump(facts, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()


answer() if "--answer" in sys.argv else main()
