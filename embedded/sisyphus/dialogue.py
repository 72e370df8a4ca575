"""The manager's questions, and its defaults where there is no terminal."""

import logging
import sys

import sisyphus.global_settings as gs
from sisyphus.job_cleaner import JobCleaner
from sisyphus.loader import config_manager

MENU = (
    "Start manager (y), print verbose overview (v), update aliases and outputs (u),"
    " setup runnable jobs (s), or exit (n)? "
)
ALL_DONE = "All calculations are done, print verbose overview (v), update outputs and alias (u), cancel (c)? "


def at_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


class Dialogue:
    """Mixin of Manager: the questions at its start and, with -i, before each submission."""

    def input(self, prompt):
        """Asks the user; without a terminal, the answer is no."""
        if at_terminal():
            return input(prompt)
        logging.info(f"{prompt} (no terminal: n)")
        return "n"

    def ask_user(self, message, uid):
        if not self.interactive or uid in self._never:
            return not self.interactive
        answer = self.input(f"{message} (Yes/skip/never)").lower()
        if answer in ("n", "never"):
            self._never.add(uid)
        return answer in ("", "y", "yes")

    def startup(self) -> bool:
        """Shows the state of all jobs and asks what the command line left open. Returns False if nothing is to be done."""
        config_manager.continue_readers()
        self.job_engine.reset_cache()
        self.update_jobs()
        self.update_state_overview()
        if not self.jobs and not config_manager.reader_running():
            unasked = self.start_computations and not at_terminal()
            answer = "u" if unasked else self.input(ALL_DONE).lower()
            if answer in ("y", "v"):
                self.print_state_overview(verbose=True)
            elif answer == "u":
                self.update_links()
            return False
        self.print_state_overview()
        config_manager.print_config_reader()
        self._clear_or_ask(gs.STATE_ERROR, self.clear_errors_once or gs.CLEAR_ERROR)
        self._clear_or_ask(gs.STATE_INTERRUPTED_NOT_RESUMABLE, self.clear_interrupts_once)
        self.clear_errors_once = False
        answer = "y" if self.start_computations else self.input(MENU).lower()
        while answer != "y":
            if answer == "n":
                logging.info("Exit manager")
                return False
            if answer == "v":
                self.print_state_overview(verbose=True)
                self.update_jobs()
            elif answer == "u":
                self.update_links()
            elif answer == "s":
                for job in self.jobs.get(gs.STATE_RUNNABLE, ()):
                    job._sis_setup_directory()
            else:
                logging.warning(f"Unknown command: {answer}")
            answer = self.input(MENU).lower()
        self.start_computations = True
        self.update_links()
        if gs.JOB_AUTO_CLEANUP:
            self.job_cleaner = JobCleaner(self.sis_graph)
            self.job_cleaner.start()
        return True

    def _clear_or_ask(self, state, always):
        if state not in self.jobs or (self.ignore_once and not always):
            return
        if always or self.input(f"Clear jobs in {state} state? [y/N] ").lower() == "y":
            self.clear_states(state)
            self.print_state_overview()
