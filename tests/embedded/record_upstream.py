"""Records facts about upstream Sisyphus, for tests that run without it.

    .venv/bin/python tests/embedded/record_upstream.py UPSTREAM     a checkout of github.com/rwth-i6/sisyphus

writes, with upstream's commit:
    upstream_facts.json      hashes and job ids of the things in fact_things.py and of generated ones, settings, what job.save names
    upstream_names.json      public names of its modules, with the parameters of functions and methods
    upstream_work.tar.gz     an experiment that upstream's manager left half done: a finished job, one packed into
                             finished.tar.gz, one killed at work
"""

import ast
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from ast import literal_eval

import psutil

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FACTS, NAMES, WORK = HERE / "upstream_facts.json", HERE / "upstream_names.json", HERE / "upstream_work.tar.gz"
MODULES = [
    "__init__",
    "toolkit",
    "delayed_ops",
    "tools",
    "hash",
    "job_path",
    "job",
    "task",
    "global_settings",
    "global_constants",
]
RE_EXPORTING = ("__init__", "toolkit")  # modules whose imports of Sisyphus's names count as theirs
NUM_THINGS, NUM_PER_JOB_CLASS, SEED = 800, 12, 5
FOLDER = pathlib.Path("/tmp/recorded_experiment")  # named in links and logs of the record

SETTINGS = """
IMPORT_PATHS = ["setups"]
USE_VERBOSE_TRACEBACK = False
WAIT_PERIOD_JOB_FS_SYNC = WAIT_PERIOD_CACHE = WAIT_PERIOD_JOB_CLEANUP = WAIT_PERIOD_MTIME_OF_INPUTS = 0.1
WAIT_PERIOD_BETWEEN_CHECKS = 1
PLOGGING_INTERVAL = 0.5
JOB_AUTO_CLEANUP = False

def engine():
    from sisyphus.localengine import LocalEngine
    return LocalEngine(cpu=2, gpu=0, mem=4)
"""
CONFIG = """
from setups.jobs import *

def py():
    packed = Step(1)
    packed.add_alias("packed")
    tk.register_output("packed", packed.out)
    finished = Step(2, packed.out)
    finished.add_alias("finished")
    tk.register_output("finished", finished.out)
    interrupted = Sleeper(100, finished.out)
    interrupted.add_alias("interrupted")
    tk.register_output("last", Step(3, interrupted.out).out)
"""
# keeps the names of this machine and its user out of the record
ANONYMOUS = """
import os, platform, pwd, runpy, socket, sys
socket.gethostname = lambda: "recorded"
uname = os.uname_result(("Linux", "recorded", "1", "1", "x86_64"))
platform.uname = os.uname = lambda: uname
os.geteuid, pwd.getpwuid = (lambda: 1000), (lambda number: pwd.struct_passwd(("someone", "", 1, 1, "", "", "")))
runpy.run_path(os.environ["RECORDED_SIS"], run_name="__main__")
"""


def environment(sisyphus):
    path = os.pathsep.join(map(str, [sisyphus, HERE, ROOT]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def facts_of(sisyphus, directory):
    done = subprocess.run(
        [sys.executable, HERE / "facts.py"], cwd=directory, env=environment(sisyphus), check=True, capture_output=True
    )
    return json.loads(done.stdout)


class Answers:
    """A process that evaluates expressions and answers with the hash that a Sisyphus gives their values."""

    def __init__(self, sisyphus, directory):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "facts.py", "--answer"],
            cwd=directory,
            env=environment(sisyphus),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, expression):
        self.process.stdin.write(json.dumps(expression) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def generated_expressions():
    from generated_things import Expressions, job_classes, job_expression

    source = random.Random(SEED)
    yield from (Expressions(source).anything() for _ in range(NUM_THINGS))
    for name, cls in sorted(job_classes().items()):
        yield from (job_expression(name, cls, source) for _ in range(NUM_PER_JOB_CLASS))


def record_facts(upstream, commit, directory):
    answer = Answers(upstream, directory)
    generated = {text: answer(text) for text in generated_expressions()}
    answer.close()
    facts = {"upstream_commit": commit, **facts_of(upstream, directory), "generated": generated}
    FACTS.write_text(json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def record_names(upstream, commit):
    modules = {name: upstream / "sisyphus" / f"{name}.py" for name in MODULES}
    names = {name: public_names(file, name in RE_EXPORTING) for name, file in modules.items()}
    record = {"upstream_commit": commit, "modules": names}
    NAMES.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def public_names(file, re_exports=False):
    """:return: name → parameters of a function, methods with their parameters of a class, None of anything else"""
    names = {}
    pending = [*ast.parse(file.read_text(encoding="utf-8")).body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names[node.name] = parameters(node)
        elif isinstance(node, ast.ClassDef):
            methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
            names[node.name] = {method.name: parameters(method) for method in methods if is_public(method.name)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            names.update(dict.fromkeys(found))
        elif isinstance(node, ast.If | ast.Try):
            pending += [*node.body, *node.orelse, *(line for one in getattr(node, "handlers", ()) for line in one.body)]
        elif isinstance(node, ast.Import | ast.ImportFrom) and re_exports:
            is_own = isinstance(node, ast.Import) or node.level or (node.module or "").startswith("sisyphus")
            found = [alias.asname or alias.name for alias in node.names if is_own]
            names.update(
                dict.fromkeys(name for name in found if "." not in name and name not in sys.stdlib_module_names)
            )
    libraries = sys.stdlib_module_names
    return {name: content for name, content in names.items() if is_public(name) and name not in libraries}


def is_public(name):
    return not name.startswith("_") or name == "__init__"


def parameters(function):
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    is_property = any("property" in ast.unparse(one) or "setter" in ast.unparse(one) for one in function.decorator_list)
    return None if is_property else [argument.arg for argument in every if argument.arg not in ("self", "cls")]


def record_work(upstream, jobs):
    """:param jobs: text of the module that defines Step and Sleeper"""
    (FOLDER / "setups").mkdir(parents=True)
    (FOLDER / "work").mkdir()
    for name, text in {"settings.py": SETTINGS, "setups/config.py": CONFIG, "setups/jobs.py": jobs}.items():
        (FOLDER / name).write_text(text)
    (FOLDER / "sis").write_text(ANONYMOUS)
    command = [sys.executable, FOLDER / "sis"]
    env = {**os.environ, "PYTHONPATH": str(upstream), "RECORDED_SIS": f"{upstream}/sis"}
    env["SIS_DEFAULT_ENVIRONMENT_KEEP"] = repr({"RECORDED_SIS", "PYTHONPATH", "HOME"})
    call = {"cwd": FOLDER, "env": env, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    manager = subprocess.Popen([*command, "manager", "-r", "setups/config.py"], stderr=subprocess.DEVNULL, **call)
    while not list(FOLDER.glob("work/**/Sleeper.*/work/count")) or not list(FOLDER.glob("work/**/Sleeper.*/usage.*")):
        time.sleep(0.05)
    time.sleep(2)  # until the usage file has been written
    (usage,) = FOLDER.glob("work/**/Sleeper.*/usage.run.1")
    pid = literal_eval(usage.read_text())["pid"]
    manager.kill()
    manager.wait()
    psutil.Process(pid).parent().kill()  # it would report a killed worker as an error
    os.kill(pid, signal.SIGKILL)
    pack = "[job._sis_cleanup() for job in tk.sis_graph.jobs() if 'packed' in (job.get_aliases() or ())]"
    subprocess.run([*command, "console", "setups/config.py", "--script", "-c", pack], check=True, **call)
    with tarfile.open(WORK, "w:gz") as tar:
        for name in ("work", "alias", "output", "notes", "settings.py", "setups/config.py", "setups/jobs.py"):
            tar.add(FOLDER / name, name, filter=_nobodys)


def _nobodys(member):
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return None if "__pycache__" in member.name else member


def main():
    upstream = pathlib.Path(sys.argv[1]).resolve()
    commit = subprocess.check_output(["git", "-C", upstream, "rev-parse", "HEAD"], text=True).strip()
    sys.path[:0] = [str(HERE), str(ROOT), str(upstream)]
    record_names(upstream, commit)
    with tempfile.TemporaryDirectory() as directory:
        record_facts(upstream, commit, directory)
    from conftest import JOBS

    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        record_work(upstream, JOBS)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
