"""Tells what each thread is doing, when a process gets a signal or an exception leaves a thread."""

import _thread
import functools
import logging
import os
import platform
import signal
import sys
import threading
import traceback


def get_system_informations(file=None):
    print("Uname:", platform.uname(), file=file)
    print("Load:", os.getloadavg(), file=file)


def dump_all_thread_tracebacks(exclude_thread_ids=None, exclude_self=False, file=None):
    """Prints the stack of each thread, to stderr by default."""
    file = file or sys.stderr
    excluded = {*(exclude_thread_ids or ()), *([threading.get_ident()] if exclude_self else [])}
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread.ident in excluded or thread.ident not in frames:
            continue
        print(f"\nThread {thread}:", file=file)
        traceback.print_stack(frames[thread.ident], file=file)


def format_signum(signum) -> str:
    """Returns `10 (SIGUSR1)`."""
    try:
        return f"{int(signum)} ({signal.Signals(signum).name})"
    except ValueError:
        return f"{signum} (unknown)"


def signal_handler(signum, frame):
    print(f"Signal handler: got signal {format_signum(signum)}", file=sys.stderr)
    dump_all_thread_tracebacks()


def install_signal_handler_if_default(signum, exceptions_are_fatal=False) -> bool:
    """Prints the stacks at this signal, if nothing handles it yet. Returns whether there was no exception."""
    try:
        if signal.getsignal(signum) == signal.SIG_DFL:
            signal.signal(signum, signal_handler)
    except (OSError, ValueError) as error:
        if exceptions_are_fatal:
            raise
        print(f"Cannot install signal handler for signal {format_signum(signum)}, exception {error}")
        return False
    return True


def maybe_install_signal_handers():
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        install_signal_handler_if_default(signum)


def default_handle_exception_interrupt_main_thread(func):
    """Decorates a function of a thread: an exception in it ends the program."""

    @functools.wraps(func)
    def guarded(*args, **kwargs):
        try:
            return func(*args, **kwargs)
        except Exception:
            logging.error(f"Exception in thread {threading.current_thread()!r}:")
            sys.excepthook(*sys.exc_info())
            if threading.current_thread() is not threading.main_thread():
                _thread.interrupt_main()
            raise SystemExit(1) from None

    return guarded
