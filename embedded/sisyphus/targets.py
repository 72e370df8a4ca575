"""Targets: paths that a config requests, with an action for when they exist."""

import logging
import os
import pprint
import time
from datetime import datetime

import sisyphus.global_settings as gs
from sisyphus.atomic_file import write_text
from sisyphus.links import make_way, place_link
from sisyphus.tools import extract_paths


class OutputTarget:
    def __init__(self, name, inputs):
        self.name = name
        self._required = extract_paths(inputs)
        self.required_full_list = sorted(self._required)

    @property
    def required(self):
        return self._required

    def update_requirements(self, write_output=True, force=False):
        self._required = {path for path in self._required if not path.available()}

    def reopen(self):
        """Requires all paths again: they may have been removed."""
        self._required = set(self.required_full_list)

    def is_done(self):
        return not self._required

    def run_when_done(self, write_output=None):
        """Called once all paths exist."""

    def __eq__(self, other):
        mine, its = (self.name, self.required_full_list), (other.name, other.required_full_list)
        return type(self) is type(other) and mine == its

    def __hash__(self):
        return hash((type(self), self.name, tuple(self.required_full_list)))


class OutputPath(OutputTarget):
    """A link in the output directory."""

    def __init__(self, output_path, sis_path, place=""):
        """place: where the config registers it, for messages."""
        super().__init__(output_path, sis_path)
        self.path, self.place = sis_path, place
        self.is_missing = False  # whether it could not be linked

    def run_when_done(self, write_output=None):
        if not write_output:
            return
        prefixes = self.path.creator._sis_alias_prefixes if self.path.creator else {""}
        for prefix in prefixes or {""}:
            self._link(os.path.join(gs.OUTPUT_DIR, prefix, self.name))

    def _link(self, link):
        before = os.path.realpath(link) if os.path.islink(link) else None
        now = os.path.realpath(self.path.get_path())
        try:
            is_new = place_link(now, link)
        except OSError as error:
            self.is_missing = True
            logging.error(f"could not link output {link}: {error.strerror}; is there something else in its place?")
            return
        self.is_missing = False
        if is_new:
            logging.info(f"Finished output: {link}")
            try:
                self._log(link, before, now)
            except OSError as error:
                logging.warning(f"could not write {gs.FINISHED_LOG}: {error.strerror}")

    def _log(self, link, before, now):
        if gs.FINISHED_LOG:
            os.makedirs(os.path.dirname(gs.FINISHED_LOG) or ".", exist_ok=True)
            clock = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
            with open(gs.FINISHED_LOG, "a", encoding="utf-8") as file:
                if before:
                    file.write(f"{clock}: Updated output: {link}: {before} -> {now}\n")
                file.write(f"{clock}: Finished output: {link} (-> {self.path.rel_path()})\n")


class OutputCall(OutputTarget):
    """Calls a function once its arguments exist, once per run of the manager."""

    def __init__(self, f, argv, kwargs, required=None):
        name = f"callback_{f.__name__}_{id(f)}_{gs.SIS_HASH(argv)}_{gs.SIS_HASH(kwargs)}"
        super().__init__(name, (argv, kwargs) if required is None else required)
        self._call = f, argv, kwargs
        self._called = False

    def run_when_done(self, write_output=None):
        if not self._called:
            self._called = True
            f, args, kwargs = self._call
            f(*args, **kwargs)


class OutputReport(OutputTarget):
    """A text file of values, rewritten while they come in."""

    def __init__(self, output_path, report_values, report_template=None, required=None, update_frequency=300):
        super().__init__(output_path, report_values if required is None else required)
        self._report_values = report_values
        self._report_template = report_template
        self._update_frequency = update_frequency
        self._last_update = float("-inf")

    def update_requirements(self, write_output=True, force=False):
        super().update_requirements()
        if write_output and (force or time.time() - self._last_update >= self._update_frequency):
            self._last_update = time.time()
            self.write_report()

    def run_when_done(self, write_output=None):
        if write_output:
            self.write_report()

    def write_report(self):
        if self.name is None:
            return
        if self._report_template:
            text = self._report_template.format(**self._report_values)
        elif callable(self._report_values):
            text = str(self._report_values())
        else:
            text = pprint.pformat(self._report_values, width=140) + "\n"
        path = os.path.join(gs.OUTPUT_DIR, self.name)
        try:
            make_way(path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_text(path, text)
        except OSError as error:
            logging.warning(f"could not write report {path}: {error}")
