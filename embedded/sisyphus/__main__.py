"""The command `sis`."""

import argparse
import logging
import sys

import sisyphus.global_settings as gs
import sisyphus.toolkit
from sisyphus.helper import console
from sisyphus.manager import manager
from sisyphus.warm_start import PRELOAD
from sisyphus.worker import leave, worker


def main():
    args = _parser().parse_args()
    if not hasattr(args, "func"):
        _parser().print_help()
        return
    logging.basicConfig(format="[%(asctime)s] %(levelname)s: %(message)s", level=args.log_level)
    if args.func is worker:
        leave(worker(args))
    args.config_files += args.argv
    sisyphus.toolkit._sis_running_in_manager = True
    sys.exit(args.func(args))


def _parser():
    parser = argparse.ArgumentParser(prog="sis", description="Runs experiments as graphs of jobs (embedded Sisyphus).")
    parser.add_argument("--log_level", type=int, default=logging.INFO, help="10 for debug messages, default: 20")
    parser.add_argument("--config", dest="config_files", action="append", default=[], help="config to load")
    commands = parser.add_subparsers()
    _manager(commands.add_parser("manager", aliases=["m"], help="load configs, list their jobs, run them"))
    _console(commands.add_parser("console", aliases=["c"], help="open a Python shell with the graph loaded"))
    _worker(commands.add_parser(gs.CMD_WORKER, help="run one task (called by the engines)"))
    return parser


def _manager(parser):
    parser.set_defaults(func=manager)
    flag = {"action": "store_true", "default": False}
    parser.add_argument("-r", dest="run", help="start without asking", **flag)
    parser.add_argument("-co", dest="clear_errors_once", help="at the start, move aside jobs in error state", **flag)
    text = "at the start, move aside interrupted jobs that cannot be resumed"
    parser.add_argument("-cio", dest="clear_interrupts_once", help=text, **flag)
    parser.add_argument("-io", dest="ignore_once", help="at the start, do not ask about jobs in error state", **flag)
    parser.add_argument("-i", "--interactive", dest="interactive", help="ask before each submission", **flag)
    parser.add_argument("argv", metavar="CONFIG", nargs="*", help="config/FILE.FUNCTION, FUNCTION(3) or config/FILE.py")


def _console(parser):
    parser.set_defaults(func=console)
    parser.add_argument("--load", action="append", default=[], help="load the job of this job directory")
    parser.add_argument("--skip_config", dest="not_load_config", action="store_true", help="load no config")
    parser.add_argument("-c", dest="commands", default=[], action="append", help="execute this Python command")
    parser.add_argument("--script", "-s", action="store_true", help="exit after the commands")
    parser.add_argument("argv", metavar="CONFIG", nargs="*")


def _worker(parser):
    parser.set_defaults(func=worker)
    parser.add_argument("jobdir")
    parser.add_argument("task_name")
    parser.add_argument("task_id", type=int, nargs="?", default=None)
    parser.add_argument("--force_resume", "--fr", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--engine", default="short")
    parser.add_argument(PRELOAD, help=argparse.SUPPRESS)  # for the local engine, see warm_start.py
    parser.add_argument("--redirect_output", action="store_true", help="write stdout and stderr to the job's log")


if __name__ == "__main__":
    main()
