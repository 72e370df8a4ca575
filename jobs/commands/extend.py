"""`boulder extend`: a pipeline goes on for some epochs more, in a further job. Nothing that is trained is trained again."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from boulder.errors import ConfigError
from boulder.report import words
from jobs.commands.run import run
from jobs.further_epochs import adding, record
from jobs.pieces import find_pipeline
from jobs.pipeline import laid_out_pipelines


def extend(config: str, epochs: int, console: Console, *, pipeline: str | None = None, verbose: bool = False) -> int:
    """
    :param epochs: so many
    :param pipeline: which, if the config lays out several
    :param verbose: let Sisyphus say what it does
    :return: exit code, as `jobs.commands.run.run`
    :raises BoulderError: as `jobs.commands.run.run`, and if the schedule is not decided to its end; then nothing is added
    """
    if epochs < 1:
        raise ConfigError(f"--epochs {epochs}: expected a number of at least 1")

    def remember() -> None:
        name, extended = find_pipeline(laid_out_pipelines(), pipeline)
        if extended.needs is not None:
            raise ConfigError(
                f"pipeline {name!r} can be extended once its schedule is decided to its end: it goes on after epoch "
                f"{extended.needs}, by boulder run"
            )
        record(name, extended.further_epochs)
        last = extended.plan.num_epochs
        added = f"epoch {last} is" if epochs == 1 else f"epochs {words.epochs(last - epochs + 1, last)} are"
        line = f"lay_out(…, further_epochs={extended.further_epochs})"
        told = f"{name}: {added} added; to have {'it' if epochs == 1 else 'them'} in the config: {line}"
        console.print(escape(told), soft_wrap=True)

    with adding(pipeline, epochs):
        return run([config], console, verbose, loaded=remember)
