"""Builds .venv from exactly the packages of a lock file, and Boulder itself. `make` calls it before targets that need .venv.

    python3 tools/make_venv.py            the lock file that .venv was built from before, else lock/cpu.txt
    python3 tools/make_venv.py gpu        lock/gpu.txt

Needs only the standard library: neither pip nor ensurepip, which a fresh Debian lacks. Asks no questions. Leaves a finished
.venv of the same lock file alone. pip's own configuration determines the registry.
"""

# Python 3.6 must be able to parse this file, so that the error about its version reaches the user.

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "built-from.json"
BUILD_LOCK = "lock/build.txt"  # pip, and the packages that install Boulder itself
OLDEST, NEWEST = (3, 11), (3, 13)
DEBIAN_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def main(arguments):
    lock = choose_lock(arguments[0] if arguments else os.environ.get("BOULDER_LOCK"))
    with only_one():
        if not is_built_from(lock):
            use_suitable_python()
            build(lock)


def stop(message):
    sys.exit(f"make_venv: {message}")


def say(message):
    print(f"make_venv: {message}", flush=True)


@contextlib.contextmanager
def only_one():
    """Holds a lock: a concurrent build waits for this one, and then finds nothing to do."""
    with open(__file__, encoding="utf-8") as file:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# Which lock file, and whether .venv was built from it


def choose_lock(wanted):
    """:return: path, relative to ROOT, of the lock file `wanted` (cpu, gpu, lock/cpu.txt, …), else of the previous one"""
    if not wanted:
        built_from = read_stamp().get("lock")
        return built_from if built_from and (ROOT / built_from).is_file() else "lock/cpu.txt"
    for path in (f"lock/{wanted}.txt", wanted):
        if (ROOT / path).is_file():
            return path
    names = {path.stem for path in ROOT.glob("lock/*.txt")} - {"build", "uv"}
    return stop(f"no lock file {wanted!r}; there are {', '.join(sorted(names))}")


def read_stamp():
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def write_stamp(lock, digest):
    """:param digest: None while the build is running"""
    new = STAMP.with_suffix(".new")
    new.write_text(json.dumps({"lock": lock, "digest": digest}))
    new.replace(STAMP)


def is_built_from(lock):
    built, version = read_stamp(), version_of(VENV_PYTHON)
    if built.get("lock") != lock or not built.get("digest") or not version or sys.version_info < OLDEST:
        return False
    return built["digest"] == digest_of(lock, version)


def digest_of(lock, python_version):
    """:return: digest of everything .venv depends on: packages, Boulder's installation, the path of .venv, Python's version"""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    settings = [project["project"], project["build-system"], project["tool"]["hatch"], str(ROOT), python_version]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in (lock, BUILD_LOCK):
        digest.update((ROOT / path).read_bytes())
    return digest.hexdigest()


# Python


def version_of(python):
    """:return: [major, minor], or None if `python` does not run"""
    command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        printed = subprocess.check_output(command, stderr=subprocess.DEVNULL)
        return [int(part) for part in printed.split()]
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def use_suitable_python():
    """Returns if this Python is suitable, else restarts the script in another one of this machine."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        python = shutil.which(f"python3.{minor}")
        if python and version_of(python) == [3, minor]:
            os.execv(python, [python, __file__, *sys.argv[1:]])
    found = ".".join(map(str, sys.version_info[:2]))
    stop(
        f"Boulder needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, but {sys.executable} is {found} and PATH has no other; "
        "choose one with: make PYTHON=/path/to/python3.11"
    )


# Building


def build(lock):
    if importlib.util.find_spec("venv") is None:
        stop(f"{sys.executable} has no module venv; on Debian: apt-get install python3")
    import venv

    say(
        f"building .venv from {lock} with Python {'.'.join(map(str, sys.version_info[:3]))}, which takes a minute or two"
    )
    has_pip = importlib.util.find_spec("ensurepip") is not None
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=has_pip).create(str(VENV))
    write_stamp(lock, digest=None)
    with tempfile.TemporaryDirectory(prefix="boulder-pip.") as folder:
        pip, variables = ([VENV_PYTHON, "-m", "pip"], {}) if has_pip else find_pip(Path(folder))
        install(pip, ["--require-hashes", "-r", BUILD_LOCK], variables)
    pip = [VENV_PYTHON, "-m", "pip"]  # from here on the one in BUILD_LOCK
    install(pip, ["--require-hashes", "-r", lock])
    install(pip, ["--no-index", "--no-build-isolation", "--no-deps", "--editable", "."])
    write_stamp(lock, digest_of(lock, version_of(VENV_PYTHON)))
    say(".venv is ready")


def install(pip, arguments, variables=None):
    """:param variables: defaults of environment variables"""
    ours = {
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",
        "PYTHONNOUSERSITE": "1",
    }
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    command = [*map(str, pip), "install", "--quiet", *arguments]
    all_variables = {**(variables or {}), **environment, **ours}
    if subprocess.call(command, cwd=str(ROOT), env=all_variables, stdin=subprocess.DEVNULL):
        stop(f"pip could not install {arguments[-1]} (see above); run the same command again to retry")


def find_pip(folder):
    """Finds a pip without ensurepip: this Python's, else Debian's, unpacked into `folder`. Needs no root.

    :return: command, environment variables
    """
    pip = [sys.executable, "-m", "pip", "--python", str(VENV_PYTHON)]
    if subprocess.call([*pip, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
        return pip, {}
    say("this Python has no ensurepip: unpacking pip from the Debian package python3-pip-whl into a temporary folder")
    variables, packages = {}, ["python3-pip-whl"]
    if not DEBIAN_CERTIFICATES.exists():
        packages.append("ca-certificates")  # Debian's pip uses no others
    if unpack_from_debian(packages, folder):
        if len(packages) > 1:
            certificates = folder / "certificates.pem"
            found = sorted(folder.glob("usr/share/ca-certificates/mozilla/*.crt"))
            certificates.write_text("".join(path.read_text() for path in found))
            variables["PIP_CERT"] = str(certificates)
        for wheel in folder.glob("usr/share/python-wheels/pip-*.whl"):
            return [VENV_PYTHON, wheel / "pip"], variables
    return stop(f"{sys.executable} cannot install packages; on Debian: apt-get install python3-venv")


def unpack_from_debian(packages, folder):
    """Unpacks packages into `folder`, without installing them or changing apt's own files.

    :return: whether it succeeded
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    lists, cache = folder / "lists", folder / "cache"
    for path in (lists, cache, cache / "archives"):
        (path / "partial").mkdir(parents=True)
    apt = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "-o", f"Dir::Cache={cache}"]
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    download = ["download", *packages]
    if subprocess.call(apt + download, cwd=str(folder), **quiet):  # apt's lists are outdated or missing
        apt += ["-o", f"Dir::State::Lists={lists}"]
        subprocess.call([*apt, "update"], **quiet)
        if subprocess.call(apt + download, cwd=str(folder), stdin=subprocess.DEVNULL):
            return False
    return all(subprocess.call(["dpkg-deb", "--extract", str(deb), str(folder)]) == 0 for deb in folder.glob("*.deb"))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        stop("interrupted; run the same command again to retry")
