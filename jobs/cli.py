"""The `boulder` command, and the `sis` command of the same environment."""

from jobs.commands import quiet_imports

# isort: split
import os
import sys
import warnings
from typing import Annotated

import typer
from rich.console import Console

import jobs  # noqa: F401 (finds Sisyphus)
from boulder import __version__
from boulder.errors import BoulderError, ConfigError
from jobs.commands.config_name import check_folder, search_name
from jobs.commands.config_options import takes_config_options
from jobs.commands.system_error import told
from jobs.commands.terminal_text import flush_stdout, show_what_is_alike

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


_CONFIG = "FILE.FUNCTION, e.g. config/g2p.demo, or a RETURNN config file"
Config = Annotated[str, typer.Argument(help=_CONFIG, metavar="CONFIG")]
Configs = Annotated[list[str], typer.Argument(help=_CONFIG, metavar="CONFIG...")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="show Sisyphus's own messages and tracebacks")]
PipelineName = Annotated[str | None, typer.Option("--pipeline", help="if the config lays out several")]
NetworkConfig = Annotated[
    str, typer.Option("--config", help="FILE.FUNCTION, or a RETURNN config file: gives the network")
]
NetworkEpoch = Annotated[
    int | None, typer.Option("--epoch", help="the config's network in this epoch [that of the checkpoint]", min=1)
]
PhaseName = Annotated[str, typer.Option("--phase", help="as `boulder status` names it: 3, final, …")]


def sis() -> None:
    """Run the command line of Sisyphus: the real one where it is installed."""
    quiet_imports.imported()
    show_what_is_alike()
    from sisyphus.__main__ import main as sisyphus_main

    sys.exit(sisyphus_main())


def main() -> None:
    """Run the `boulder` command. A BoulderError, or an error of the operating system, becomes one line and exit code 1."""
    quiet_imports.imported()
    show_what_is_alike()
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    if not os.path.exists("settings.py"):  # on which what the commands show of a RETURNN file does not depend
        os.environ.setdefault("SIS_GLOBAL_SETTINGS_FILE", "")  # so that Sisyphus does not warn
    try:
        try:
            app()
        finally:
            flush_stdout()
    except (BoulderError, OSError) as error:
        if "-v" in sys.argv or "--verbose" in sys.argv:
            raise
        print(f"error: {told(error) if isinstance(error, OSError) else error}", file=sys.stderr)
        sys.exit(1)


def _quieten_tensorflow() -> None:
    """Lets TensorFlow report errors only, in this process, as settings.py does in those of jobs."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@app.callback()
def boulder() -> None:
    """Grows neural networks phase by phase, each phase a Sisyphus job."""


@app.command()
@takes_config_options
def run(
    config: Configs,
    verbose: Verbose = False,
) -> None:
    """Validate a whole pipeline, then run it to its end. Asks nothing; after an interruption the same command resumes it."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.run import run as run_pipeline

    raise typer.Exit(run_pipeline(config, Console(highlight=False), verbose))


@app.command()
@takes_config_options
def search(
    config: Annotated[str, typer.Argument(help="RETURNN config file", metavar="CONFIG")],
    checkpoint: Annotated[
        str, typer.Option(help="last, best, best:SCORE, average:N, average_best:N, an epoch, or a file")
    ] = "last",
    data: Annotated[
        str | None, typer.Option(help="data set of the config [search_data, or else eval, or else dev]")
    ] = None,
    units: Annotated[
        str | None, typer.Option(help="words, bpe, sentencepiece, characters or phonemes [as the vocabulary says]")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(help="unit to remove before scoring; several times")] = None,
    lexicon: Annotated[str | None, typer.Option(help="pronunciations, for phonemes")] = None,
    corpus: Annotated[str | None, typer.Option(help="Bliss corpus: references, and the times of segments")] = None,
    verbose: Verbose = False,
) -> None:
    """Decode a data set with the network of a RETURNN config, and score the words. Trains it first if necessary."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.run import run as run_pipeline

    options = {"data": data, "units": units, "remove": remove, "lexicon": lexicon, "corpus": corpus}
    name = search_name(config, checkpoint, {key: value for key, value in options.items() if value})
    raise typer.Exit(run_pipeline([name], Console(highlight=False), verbose))


@app.command()
@takes_config_options
def extend(
    config: Config,
    epochs: Annotated[int, typer.Option("--epochs", help="number of epochs to add")],
    pipeline: PipelineName = None,
    verbose: Verbose = False,
) -> None:
    """Train a pipeline for more epochs, in a further job that starts from its last checkpoint."""
    check_folder()
    from jobs.commands.extend import extend as extend_pipeline

    console = Console(highlight=False)
    raise typer.Exit(extend_pipeline(config, epochs, console, pipeline=pipeline, verbose=verbose))


@app.command()
@takes_config_options
def plan(
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="every phase with its complete network")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="what changes in the net dict from phase to phase")] = False,
    loops: Annotated[bool, typer.Option("--loops", help="which layers of a loop are computed inside it")] = False,
    epoch: Annotated[int | None, typer.Option(help="the network of this epoch, as JSON", min=1)] = None,
    check: Annotated[bool, typer.Option("--check", help="plan twice and report where the two plans differ")] = False,
) -> None:
    """Show the phases of a config: index, epochs, layers, parameters, overrides. Submits nothing."""
    from jobs.commands.show_plan import show_plan

    console = Console(highlight=False)
    raise typer.Exit(show_plan(config, console, as_json=as_json, diff=diff, loops=loops, epoch=epoch, check=check))


@app.command(name="try")
@takes_config_options
def try_(
    config: Config,
    steps: Annotated[int, typer.Option(help="updates in each phase", min=1)] = 10,
    seqs: Annotated[int, typer.Option(help="sequences in a batch", min=1)] = 3,
    frames: Annotated[int, typer.Option(help="length of the longest sequence", min=1)] = 60,
    phases: Annotated[str, typer.Option(help="indices, or 'final', separated by commas [all]")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="everything that is known")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="show the log, and tracebacks")] = False,
) -> None:
    """Train each phase of a config for some steps on generated data: does it build, grow, learn, save, resume? Submits nothing."""
    _quieten_tensorflow()
    from boulder.training.trial import TrialSize
    from jobs.commands.try_config import try_config

    chosen = [name.strip() for name in phases.split(",") if name.strip()]
    size = TrialSize(steps=steps, seqs=seqs, frames=frames)
    console = Console(highlight=False)
    raise typer.Exit(try_config(config, console, size, phases=chosen, as_json=as_json, verbose=verbose))


@app.command()
def data(
    file: Annotated[str, typer.Argument(help="HDF file, zip file of recordings, text, or config")],
    name: Annotated[str | None, typer.Option("--data", help="data set of the config [train]")] = None,
    config: Annotated[
        str | None, typer.Option("--for", metavar="CONFIG", help="what does the data lack for it?")
    ] = None,
    pipeline: PipelineName = None,
    as_json: Annotated[bool, typer.Option("--json", help="print all numbers as JSON")] = False,
) -> None:
    """Show the streams, lengths and tags of a data set, and what it lacks for a config."""
    from jobs.commands.show_data import show_data

    console = Console(highlight=False)
    raise typer.Exit(show_data(file, console, name, config, pipeline=pipeline, as_json=as_json))


@app.command()
def options(
    names: Annotated[list[str] | None, typer.Argument(help="the default is all", metavar="OPTION")] = None,
) -> None:
    """Show what Boulder does with an option of a RETURNN config: honoured, without effect here, or refused, and why."""
    from jobs.commands.show_options import show_options

    show_options(names or [], Console(highlight=False))


@app.command()
@takes_config_options
def status(
    config: Annotated[str | None, typer.Argument(help=f"{_CONFIG}; the default is a line per pipeline")] = None,
    pipeline: PipelineName = None,
    losses: Annotated[
        bool, typer.Option("--losses", help="the scores of all losses, also of those that are off")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="everything that is known")] = False,
) -> None:
    """Show the state of each phase: epochs, scores, time left, where it runs. Starts nothing."""
    check_folder()  # before Sisyphus reads its settings
    if config is None:
        from jobs.commands.show_pipelines import show_pipelines

        raise typer.Exit(show_pipelines(Console(highlight=False), as_json=as_json))
    from jobs.commands.show_status import show_status

    raise typer.Exit(show_status(config, Console(highlight=False), pipeline=pipeline, as_json=as_json, losses=losses))


@app.command()
@takes_config_options
def rerun(
    config: Config,
    phase: PhaseName,
    pipeline: PipelineName = None,
    only: Annotated[bool, typer.Option("--only", help="keep the results that depend on it, marked as stale")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask, even for more than an hour of work")] = False,
) -> None:
    """Run a phase and everything that depends on it again. Old results are moved aside, not deleted."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.rerun import rerun as rerun_phase

    console = Console(highlight=False)
    raise typer.Exit(rerun_phase(config, phase, console, pipeline=pipeline, only=only, yes=yes))


@app.command()
@takes_config_options
def graph(
    config: Config,
    output: Annotated[str, typer.Option("--output", "-o", help="file: .svg, .png, .pdf or .dot")] = "graph.svg",
) -> None:
    """Draw all jobs as boxes, coloured by state, and their dependencies as lines."""
    check_folder()
    from jobs.commands.show_graph import show_graph

    raise typer.Exit(show_graph(config, output, Console(highlight=False)))


@app.command()
@takes_config_options
def logs(
    config: Config,
    phase: PhaseName,
    pipeline: PipelineName = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="keep printing until the job ends, across retries")
    ] = False,
) -> None:
    """Print the log of a phase's job, even after clean-up has packed it."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.show_log import show_log

    raise typer.Exit(show_log(config, phase, pipeline=pipeline, follow=follow))


@app.command()
@takes_config_options
def hold(
    config: Config,
    phase: PhaseName,
    pipeline: PipelineName = None,
    stop: Annotated[bool, typer.Option("--stop", help="let a running job save and end")] = False,
) -> None:
    """Keep a phase from being started, until `boulder release`. A running job continues, unless --stop."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.hold import hold as hold_phase

    raise typer.Exit(hold_phase(config, phase, Console(highlight=False), pipeline=pipeline, stop=stop))


@app.command()
@takes_config_options
def release(config: Config, phase: PhaseName, pipeline: PipelineName = None) -> None:
    """Let a phase be started again, after `boulder hold`."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.hold import release as release_phase

    raise typer.Exit(release_phase(config, phase, Console(highlight=False), pipeline=pipeline))


@app.command()
@takes_config_options
def clean(
    config: Annotated[
        list[str] | None, typer.Argument(help=f"{_CONFIG}: lists what its edits left", metavar="[CONFIG...]")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="remove what is listed")] = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="also folders of jobs that no recorded config has needed")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="everything that is known")] = False,
) -> None:
    """List the folders of jobs that no config needs any more, by size. Removes them only with --remove."""
    check_folder()  # before Sisyphus reads its settings
    from jobs.commands.clean import clean as clean_up

    console = Console(highlight=False)
    raise typer.Exit(clean_up(config or [], console, removes=remove, unknown=unknown, as_json=as_json))


@app.command(name="import")
def import_(
    checkpoint: Annotated[
        str, typer.Argument(help="of RETURNN, e.g. net-model/network.pretrain.012, or of Boulder, *.h5")
    ],
    config: NetworkConfig,
    pipeline: PipelineName = None,
    epoch: NetworkEpoch = None,
    output: Annotated[str, typer.Option("--output", "-o", help="file to write")] = "checkpoint.h5",
    prefix: Annotated[str, typer.Option(help="take only parameters whose path contains it; their names lack it")] = "",
    ignore_missing: Annotated[
        bool, typer.Option("--ignore-missing", help="initialise parameters that it lacks")
    ] = False,
) -> None:
    """Write a checkpoint of Boulder with the parameters of another one, for the network that a config has in an epoch."""
    from jobs.commands.import_checkpoint import import_checkpoint

    _quieten_tensorflow()
    code = import_checkpoint(
        checkpoint,
        config,
        output,
        Console(highlight=False),
        pipeline=pipeline,
        epoch=epoch,
        prefix=prefix,
        ignore_missing=ignore_missing,
    )
    raise typer.Exit(code)


@app.command()
def export(
    checkpoint: Annotated[str, typer.Argument(help="of Boulder, e.g. output/g2p.demo/checkpoint.h5")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="RETURNN's 'model': files are named OUTPUT.012.index, …")
    ] = None,
    saved_model: Annotated[
        str | None, typer.Option("--saved-model", metavar="FOLDER", help="write a SavedModel for inference instead")
    ] = None,
    config: Annotated[str | None, typer.Option("--config", help="for --saved-model: config of the network")] = None,
    pipeline: PipelineName = None,
    epoch: NetworkEpoch = None,
    layer: Annotated[list[str] | None, typer.Option("--layer", help="for --saved-model: its outputs [output]")] = None,
    search: Annotated[
        bool, typer.Option("--search", help="for --saved-model: layers of class 'choice' search")
    ] = False,
) -> None:
    """Write a checkpoint that RETURNN loads, or a SavedModel that TensorFlow runs without Boulder."""
    from jobs.commands.export_checkpoint import export_checkpoint, export_saved_model

    _quieten_tensorflow()
    console = Console(highlight=False)
    if saved_model is None:
        of_saved_model = {"config": config, "pipeline": pipeline, "epoch": epoch, "layer": layer, "search": search}
        if given := [f"--{name}" for name, value in of_saved_model.items() if value]:
            raise ConfigError(f"{', '.join(given)}: only for a SavedModel, expected --saved-model FOLDER beside it")
        raise typer.Exit(export_checkpoint(checkpoint, output or "network", console))
    if output is not None:
        raise ConfigError(
            f"--output {output}: names RETURNN's files, expected either it or --saved-model {saved_model}"
        )
    layers = layer or ["output"]
    code = export_saved_model(
        checkpoint, saved_model, config, console, layers=layers, pipeline=pipeline, epoch=epoch, search=search
    )
    raise typer.Exit(code)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)
