"""What the states of jobs mean, under their names in Sisyphus (`gs.STATE_…`)."""

from sisyphus import gs

FAILED = frozenset({gs.STATE_ERROR, gs.STATE_QUEUE_ERROR, gs.STATE_RETRY_ERROR, gs.STATE_INTERRUPTED_NOT_RESUMABLE})
"""Nothing follows without the user. The same holds for a path in the state `gs.STATE_INPUT_MISSING`."""

TO_DO = frozenset(
    {gs.STATE_RUNNABLE, gs.STATE_RUNNING, gs.STATE_QUEUE, gs.STATE_UNKNOWN, gs.STATE_INTERRUPTED_RESUMABLE}
)
"""The manager has more to do, now or later."""

ALIVE = frozenset({gs.STATE_RUNNING, gs.STATE_QUEUE, gs.STATE_UNKNOWN})
"""A worker runs, or may start by itself."""
