"""What a command shows of what it is doing."""

import io
import time

from rich.console import Console

from jobs.commands.stages import Stages


def test_a_log_has_a_line_now_and_then_with_the_current_stage():
    log = io.StringIO()
    with Stages(Console(file=log, width=30), seconds=0.02) as stages:
        stages.begin("build a network with a name that is longer than a line [0]")
        while not log.getvalue():
            time.sleep(0.01)
    first = log.getvalue().splitlines()[0]
    assert first == "0 s: build a network with a name that is longer than a line [0]"


def test_a_log_of_quick_stages_is_empty():
    log = io.StringIO()
    with Stages(Console(file=log)) as stages:
        stages.begin("build")
    assert not log.getvalue()


def test_a_terminal_shows_the_stage_and_no_more_after_it():
    terminal = io.StringIO()
    with Stages(Console(file=terminal, force_terminal=True, width=60)) as stages:
        stages.begin("build [0]")
        stages.begin("step 2 of 10")
    assert "step 2 of 10" in terminal.getvalue()
