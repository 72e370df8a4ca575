"""Lets `async def` configs wait for jobs whose results decide how they continue."""

import contextlib

from sisyphus.graph import OutputTarget, graph
from sisyphus.loader import config_manager
from sisyphus.tools import extract_paths


@contextlib.contextmanager
def _only_waiting():
    import asyncio  # not at the top: see loader.py

    task = asyncio.current_task()
    config_manager.waiting.add(task)
    try:
        yield
    finally:
        config_manager.waiting.discard(task)


async def async_run(obj):
    """Requests all jobs that make the paths in `obj`, and returns once these paths exist."""
    graph.add_target(OutputTarget(name="async_run", inputs=obj))
    missing = extract_paths(obj)
    from asyncio import sleep

    with _only_waiting():
        while missing := {path for path in missing if not path.available()}:
            await sleep(0)


async def async_gather(*awaitables):
    import asyncio

    with _only_waiting():
        return await asyncio.gather(*awaitables)
