"""Output where the locale is not UTF-8, on a full disk, to a closed pipe, and Ctrl-C before a command has begun."""

import io
import os
import signal
import subprocess
import sys

import pytest

from jobs.commands import terminal_text
from tests.jobs.conftest import BIN, ROOT

ASCII = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def run(*command, **options):
    return subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "h0 > h1, 3-4: 2 x 3 ? ?"),
        ("latin-1", "h0 > h1, 3-4: 2 × 3 ü ?"),
        ("utf-8", "h0 → h1, 3–4: 2 × 3 ü …"),
    ],
)
def test_characters_that_the_encoding_lacks_become_similar_ones(monkeypatch, encoding, expected):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    terminal_text.show_what_is_alike()
    print("h0 → h1, 3–4: 2 × 3 ü …", flush=True)
    assert written.getvalue().decode(encoding).strip() == expected


def test_a_command_works_in_a_locale_without_unicode():
    done = run("boulder", "options", "adam", stdout=subprocess.PIPE, env=os.environ | ASCII)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_a_full_disk_under_the_output_is_one_line():
    with open("/dev/full", "w") as full:
        done = run("boulder", "version", stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "error: No space left on device; free some space, then repeat the command\n",
    )


def test_a_reader_that_has_enough_is_no_error():
    command = f"{BIN}/boulder options | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("option")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", (-signal.SIGINT, "")),
        ("quiet_imports.imported()", (-signal.SIGINT, "KeyboardInterrupt")),
    ],
)
def test_ctrl_c_before_a_command_has_begun_shows_no_traceback(code, expected):
    lines = [
        "import os, signal, sys",
        "sys.argv = ['/somewhere/bin/boulder']",
        "from jobs.commands import quiet_imports",
        code,
        "os.kill(os.getpid(), signal.SIGINT)",
    ]
    done = run("python", "-c", "\n".join(lines))
    assert (done.returncode, done.stderr.strip().rpartition("\n")[2]) == expected


def test_ctrl_c_stays_without_effect_where_it_was():
    """A shell starts commands in the background so."""
    lines = [
        "import os, signal, sys",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "sys.argv = ['boulder']",
        "from jobs.commands import quiet_imports",
        "quiet_imports.imported()",
        "os.kill(os.getpid(), signal.SIGINT)",
        "print('alive')",
    ]
    assert run("python", "-c", "\n".join(lines), stdout=subprocess.PIPE).stdout == "alive\n"
