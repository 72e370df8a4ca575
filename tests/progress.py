"""Progress of a run on several processes: a line every few seconds, in place of a dot for each test."""

import threading
import time

import pytest

SECONDS = 20


class Progress:
    """A pytest plugin for the process that hands out the tests."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._done = self._failed = 0

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        threading.Thread(target=self._tell, args=(session,), daemon=True).start()

    def pytest_sessionfinish(self) -> None:
        self._ended.set()

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Leaves out the letter of each test; the counts at the end stay."""
        if hasattr(report, "wasxfail") or (report.passed and report.when != "call"):
            return None
        outcome = "error" if report.failed and report.when != "call" else report.outcome
        return outcome, "", outcome.upper()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._done += report.when == "teardown"
        if report.failed:
            self._failed += 1
            self._reporter.ensure_newline()
            self._reporter.write_line(f"FAILED {report.nodeid} ({report.when})", red=True)

    def _tell(self, session: pytest.Session) -> None:
        while not self._ended.wait(SECONDS):
            minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
            failed = f", {self._failed} failed" if self._failed else ""
            self._reporter.ensure_newline()
            self._reporter.write_line(f"{minutes}:{seconds:02d} {self._done} of {session.testscollected} tests{failed}")
