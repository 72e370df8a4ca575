"""A process that imports modules once, and forks a worker for each request. Started by `warm_start.py`; imports nothing of Sisyphus.

It reads from its standard input, a Unix socket, one byte and two file descriptors for each worker: a socket of its own, and its
log. The server writes to this socket the worker's process id, and its exit code once it has ended; the worker reads its request
from it. The server ends with its manager, its workers do not. It also ends once a file of a module that it has imported changes,
except for installed packages: workers have the code as it is when they start.
"""

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time

from setproctitle import getproctitle, setproctitle

IDLE = 600  # seconds without a worker, after which the server ends: it holds as much memory as the modules need


def main():
    getproctitle()  # finds the place of the command line, which it can not once the environment has changed
    control = socket.socket(fileno=0)
    line = _until_newline(control)
    if not line:
        return  # the manager has ended
    first = json.loads(line)
    os.environ.clear()
    os.environ.update(first["environment"])
    began = time.time_ns()
    for module in first["preload"]:
        with contextlib.suppress(Exception):  # the worker tells of it
            importlib.import_module(module)
    if has_open("/dev/nvidia"):
        return  # a worker could not use a GPU that was opened before the fork, so workers start as commands
    versions = _versions()
    if any((version or 0) >= began for version in versions.values()):
        return  # a file has changed since: which version is imported, nobody knows
    request = _serve(control, versions)
    if request is not None:
        _become_worker(request)


def has_open(device):
    """Returns whether this process has opened a device whose path begins so."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return any(path.startswith(device) for path in found)


def _versions():
    """Returns {file: time of its last change} of the modules so far, without those of installed packages."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    installed = tuple({os.path.realpath(place) + os.sep for place in (sys.prefix, sys.base_prefix)})
    return {file: _version(file) for file in files if file and not os.path.realpath(file).startswith(installed)}


def _version(file):
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return None


def _until_newline(connection):
    """Returns the first line, or nothing if the connection ends before it. Reads no further: what follows has file descriptors."""
    text = b""
    while not text.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        text += byte
    return text


def _serve(control, versions):
    """Returns in each worker, with its request; in the server, once the manager has ended or a module has changed, with None."""
    wake, woken = socket.socketpair()
    for end in (wake, woken):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno())
    workers = {}  # process id → socket
    while True:
        ready, _, _ = select.select([control, wake], [], [], None if workers else IDLE)
        if not ready:
            return None
        if wake in ready:
            wake.recv(1000)
            _report_ended(workers)
        if control in ready:
            byte, files, _, _ = socket.recv_fds(control, 1, 2)
            if not byte or any(_version(file) != version for file, version in versions.items()):
                return None
            connection, log = socket.socket(fileno=files[0]), files[1]
            process = os.fork()
            if process == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for other in (control, wake, woken, *workers.values()):
                    other.close()
                return _read_request(connection, log)
            workers[process] = connection
            os.close(log)
            with contextlib.suppress(OSError):
                connection.sendall(b"%d\n" % process)


def _report_ended(workers):
    for process, connection in list(workers.items()):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            with contextlib.suppress(OSError):  # the manager has ended
                connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            connection.close()
            del workers[process]


def _read_request(connection, log):
    os.setsid()  # so that Ctrl-C at the terminal reaches only the manager
    for target in (1, 2):
        os.dup2(log, target)
    os.close(log)
    assert os.open(os.devnull, os.O_RDONLY) == 0  # the free one, since `control` is closed
    with connection, connection.makefile("rb") as file:
        text = file.read()
    return json.loads(text) if text else None  # None: it is no longer wanted


def _become_worker(request):
    """Leaves this process as a new one would be that runs the script, but for the modules it has imported."""
    call = request["call"]
    setproctitle(" ".join(call))
    os.environ.clear()
    os.environ.update(request["environment"])
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all workers would draw the same numbers; `random` does so itself
    sys.argv = call[1:]
    if call[1] == "-m":
        del sys.argv[1]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(call[2], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.realpath(call[1])))
        runpy.run_path(call[1], run_name="__main__")


if __name__ == "__main__":
    main()
