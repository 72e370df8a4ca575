"""`boulder extend`: train a pipeline for more epochs, in a further job that starts from its last checkpoint."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from boulder.errors import ConfigError
from boulder.report import formatting
from jobs.commands.run import run
from jobs.further_epochs import adding, record
from jobs.pieces import find_pipeline
from jobs.pipeline import laid_out_pipelines


def extend(config: str, epochs: int, console: Console, *, pipeline: str | None = None, verbose: bool = False) -> int:
    """
    :param epochs: number of epochs to add
    :param pipeline: name, if the config lays out several
    :param verbose: show Sisyphus's own messages
    :return: exit code, see `jobs.commands.run.run`
    :raises BoulderError: see `jobs.commands.run.run`; also if the schedule is not decided to its end. Then nothing is added.
    """
    if epochs < 1:
        raise ConfigError(f"--epochs {epochs}: expected a positive integer")

    def remember() -> None:
        name, extended = find_pipeline(laid_out_pipelines(), pipeline)
        if extended.needs is not None:
            raise ConfigError(
                f"pipeline {name!r} can be extended once its schedule is decided to its end: let `boulder run` "
                f"train it beyond epoch {extended.needs} first"
            )
        record(name, extended.further_epochs)
        last = extended.plan.num_epochs
        added = f"epoch {last} is" if epochs == 1 else f"epochs {formatting.epochs(last - epochs + 1, last)} are"
        line = f"lay_out(…, further_epochs={extended.further_epochs})"
        told = f"{name}: {added} added; to keep {'it' if epochs == 1 else 'them'} in the config, write {line}"
        console.print(escape(told), soft_wrap=True)

    with adding(pipeline, epochs):
        return run([config], console, verbose, loaded=remember)
