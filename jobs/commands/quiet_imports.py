"""Ctrl-C while a command is still being imported ends it without a traceback. The first import of `jobs.cli`."""

import signal
import sys
from pathlib import Path

if Path(sys.argv[0]).name in ("boulder", "sis") and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def imported() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt. It stays without effect where it was when the process started."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
