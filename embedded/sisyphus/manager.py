"""The manager: determines the states of all jobs, starts those that can run, links outputs, waits for changes."""

import logging
import os
import signal
import threading

import sisyphus.global_settings as gs
from sisyphus import toolkit
from sisyphus.dialogue import Dialogue, at_terminal
from sisyphus.engine import EngineBase
from sisyphus.graph import NameTaken
from sisyphus.links import create_aliases as create_aliases
from sisyphus.loader import ConfigError, config_manager
from sisyphus.rounds import changed, one_round
from sisyphus.states import FAILED, TO_DO
from sisyphus.status import StatusPrinter

READER_PERIOD = 1.0  # seconds after which async configs are resumed: they may wait for other things than jobs


def manager(args) -> int:
    """`sis manager`. The exit code is 0 only if all outputs exist; upstream's is always 0."""
    if args.interactive and not at_terminal():
        logging.error("-i asks before each job, but there is no terminal: omit it")
        return 2
    if args.run and not os.path.isdir(gs.WORK_DIR) and at_terminal():
        answer = input(f"{gs.WORK_DIR} does not exist, should I continue? The directory will be created here (y/N)")
        if answer.lower() != "y":
            logging.warning(f"Abort: create {gs.WORK_DIR}, or a link to a disk with enough space")
            return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM has the effect of Ctrl-C
    try:
        config_manager.load_configs(args.config_files)
        toolkit.sis_graph.check_names()
    except (ConfigError, NameTaken) as error:
        logging.error(error)
        return 1
    engine = toolkit.cached_engine()
    engine.start_engine()
    try:
        started = Manager(
            sis_graph=toolkit.sis_graph,
            job_engine=engine,
            link_outputs=args.run,
            clear_errors_once=args.clear_errors_once,
            clear_interrupts_once=args.clear_interrupts_once,
            ignore_once=args.ignore_once,
            start_computations=args.run,
            interative=args.interactive,
        )
        started.unpause()
        started.run()
    except KeyboardInterrupt:
        logging.info("Got user interrupt signal stop engine and exit")
        return 130
    except NameTaken as error:  # of an async config
        logging.error(error)
        return 1
    finally:
        engine.stop_engine()
    failed = FAILED & set(started.update_jobs()) or any(output.is_missing for output in toolkit.sis_graph.outputs)
    return int(started.start_computations and bool(failed))


class Manager(Dialogue, threading.Thread):
    """A thread only because upstream's is one. run() can be called in the main thread."""

    def __init__(
        self,
        sis_graph,
        job_engine,
        link_outputs=True,
        clear_errors_once=False,
        clear_interrupts_once=False,
        ignore_once=False,
        start_computations=False,
        interative=False,  # upstream's spelling
    ):
        super().__init__()
        if clear_errors_once and ignore_once:
            raise ValueError("jobs in error state cannot be both cleared (-co) and ignored (-io): choose one")
        self.sis_graph = sis_graph
        self.job_engine = job_engine
        self.link_outputs = link_outputs
        self.clear_errors_once = clear_errors_once
        self.clear_interrupts_once = clear_interrupts_once
        self.ignore_once = ignore_once
        self.start_computations = start_computations
        self.interactive = interative
        self.stop_if_done = True
        self.job_cleaner = None
        self.status = StatusPrinter()
        self._never = set()
        self._stop_loop = False
        self._aliased = None
        self.update_jobs()
        self._shown = self.update_state_overview()

    # control

    def stop(self):
        self._stop_loop = True
        EngineBase.changed.set()

    def unpause(self):
        """Does nothing; upstream's manager starts paused."""

    # states

    def update_jobs(self, skip_finished=True):
        self.jobs = self.sis_graph.get_jobs_by_status(engine=self.job_engine, skip_finished=skip_finished)
        return self.jobs

    def update_state_overview(self):
        self.state_overview = self.status.overview(self.jobs)
        return self.state_overview

    def print_state_overview(self, verbose=False):
        if verbose:
            self.update_jobs(skip_finished=False)
        self.status.show(self.jobs, verbose)

    def work_left(self):
        if self.stop_if_done and not TO_DO & set(self.jobs):
            self.update_jobs()  # a job may have ended since
            if not TO_DO & set(self.jobs):
                logging.info("There is nothing I can do, good bye!")
                return False
        return True

    def continue_manager_loop(self):
        if self._stop_loop:
            logging.info("Manager loop stopped")
            return False
        if config_manager.reader_running() and (TO_DO & set(self.jobs) or not config_manager.only_waiting()):
            return True
        if self.stop_if_done and not self.sis_graph.active_targets and not config_manager.reader_running():
            logging.info("All output calculated")
            return False
        return self.work_left()

    # actions

    def clear_states(self, state=gs.STATE_ERROR):
        """Moves job directories aside, so that the jobs start from scratch. Returns whether there were any."""
        cleared = list(self.jobs.get(state, ()))
        for job in cleared:
            logging.warning(f"Clearing: {job}")
            job._sis_move()
            job._sis_setup_directory(force=True)
        self.update_jobs()
        self.update_state_overview()
        return bool(cleared)

    def setup_held_jobs(self):
        for job in self.jobs.get(gs.STATE_HOLD, ()):
            job._sis_setup_directory()

    def resume_jobs(self):
        return self._submit(gs.STATE_INTERRUPTED_RESUMABLE, "Resubmit job", force=True)

    def run_jobs(self):
        return self._submit(gs.STATE_RUNNABLE, "Submit job", force=False)

    def _submit(self, state, question, force) -> int:
        """Submits the next task of each job in this state. Returns how many the engine accepted."""
        taken = 0
        for job in sorted(self.jobs.get(state, ())):
            if self.ask_user(f"{question} ({job})?", (state, job)):
                job._sis_setup_directory(force=force)
                task = job._sis_next_task()
                taken += 0 if task is None else self.job_engine.submit(task)
        return taken

    def check_output(self, write_output=False, update_all_outputs=False, force_update=False):
        graph = self.sis_graph
        for target in list(graph.targets if update_all_outputs else graph.active_targets):
            target.update_requirements(write_output=write_output, force=force_update)
            if target.is_done():
                target.run_when_done(write_output=write_output)
                graph.remove_from_active_targets(target)

    def update_links(self):
        """Links all aliases and outputs."""
        self.link_outputs = True
        create_aliases(self.sis_graph.jobs())
        self.check_output(write_output=True, update_all_outputs=True, force_update=True)

    def run(self):
        if not self.startup():
            return
        try:
            while self.continue_manager_loop():
                with one_round():
                    nothing_new = self._round()
                if nothing_new:
                    self._wait()
        except KeyboardInterrupt:
            self._interrupt()
            raise
        finally:
            config_manager.cancel_all_reader()
            if self.job_cleaner:
                self.job_cleaner.close()
        self.job_engine.stop_engine()
        self.check_output(write_output=self.link_outputs, update_all_outputs=True, force_update=True)

    def _round(self):
        """Updates all states and starts what can run. Returns whether nothing is left to do until something changes."""
        wanted = changed()
        if wanted is not None:
            self.sis_graph.forget_states(wanted)
        EngineBase.changed.clear()
        self.job_engine.reset_cache()
        config_manager.continue_readers()
        self.update_jobs()
        if gs.CLEAR_ERROR and self.clear_states(gs.STATE_ERROR):
            return False
        self._alias_new_jobs()
        if self.update_state_overview() != self._shown:
            self.print_state_overview()
            self._shown = self.state_overview
        self.setup_held_jobs()
        submitted = self.resume_jobs() + self.run_jobs()
        for job in self.jobs.get(gs.STATE_ERROR, ()):
            gs.on_job_failure(job)
        self.check_output(write_output=self.link_outputs)
        return not submitted and (bool(TO_DO & set(self.jobs)) or not config_manager.only_waiting())

    def _alias_new_jobs(self):
        if self._aliased != len(self.sis_graph.targets):
            self._aliased = len(self.sis_graph.targets)
            self.sis_graph.check_names()
            create_aliases(self.sis_graph.jobs())

    def _wait(self):
        """Waits until a local worker ends, at most the period of the settings: other engines do not notify the manager."""
        period = gs.WAIT_PERIOD_BETWEEN_CHECKS
        EngineBase.changed.wait(min(period, READER_PERIOD) if config_manager.reader_running() else period)

    def _interrupt(self):
        """Lets resumable tasks save and end. Other tasks would lose their work; they continue, and the next manager finds them."""
        names = set()
        for job in self.update_jobs().get(gs.STATE_RUNNING, ()):
            task = job._sis_next_task()
            if task is not None and task.resumeable():
                names.update((task.task_name(), task_id) for task_id in task.task_ids())
        self.job_engine.interrupt_tasks(names, gs.WAIT_PERIOD_INTERRUPT)
