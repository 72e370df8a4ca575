"""The `boulder` command, and `sis` of the same environment."""

import sys
import warnings
from typing import Annotated

import typer
from rich.console import Console

import jobs  # noqa: F401 (finds Sisyphus)
from boulder import __version__
from boulder.errors import BoulderError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def sis() -> None:
    """Sisyphus's own command line: of the real one where it is installed."""
    from sisyphus.__main__ import main as sisyphus_main

    sys.exit(sisyphus_main())


def main() -> None:
    """The `boulder` command. A mistake of the user's is one line, and the exit code 1."""
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    try:
        app()
    except BoulderError as error:
        if "-v" in sys.argv or "--verbose" in sys.argv:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


@app.callback()
def boulder() -> None:
    """Grows neural networks phase by phase, each phase a Sisyphus job."""


@app.command()
def run(
    config: Annotated[list[str], typer.Argument(help="FILE.FUNCTION, e.g. config/g2p.demo")],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="also what Sisyphus says, and tracebacks")] = False,
) -> None:
    """Validate a whole pipeline, then run it to its end. Asks nothing; the same command goes on after an interruption."""
    from jobs.run import run as run_pipeline

    raise typer.Exit(run_pipeline(config, Console(highlight=False), verbose))


@app.command()
def plan(
    file: Annotated[str, typer.Argument(help="FILE.FUNCTION, e.g. config/g2p.demo, or a RETURNN config file")],
    as_json: Annotated[bool, typer.Option("--json", help="every phase with its whole network")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="what changes in the net dict from phase to phase")] = False,
    loops: Annotated[bool, typer.Option("--loops", help="which layers of a loop are computed within it")] = False,
    epoch: Annotated[int | None, typer.Option(help="the network of this epoch, as JSON", min=1)] = None,
    check: Annotated[
        bool, typer.Option("--check", help="plan twice, and tell if the algo gave another network")
    ] = False,
) -> None:
    """Show the phases of a config: index, epochs, layers, parameters, overrides. Submits nothing."""
    from jobs.show_plan import show_plan

    console = Console(highlight=False)
    raise typer.Exit(show_plan(file, console, as_json=as_json, diff=diff, loops=loops, epoch=epoch, check=check))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)
