"""The work directory as seen from outside: job directories, states, workers, cluster queues, locks and marker files."""
