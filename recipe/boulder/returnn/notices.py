"""What a user should know about the options of a config that is trained: those without effect, and near misses."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from boulder.returnn.frame_batches import phases_of_frames
from boulder.returnn.misspelt import option_meant
from boulder.returnn.options import BEYOND_RETURNN, is_read_before, verdict
from boulder.returnn.training_config import DEFAULTS
from boulder.returnn.verdicts import Kind
from boulder.schedule import Plan

_LATE = "in '#config', it has no effect: RETURNN reads it once, at the start of the training or of its data"


class Notice(NamedTuple):
    """
    :param option: its name
    :param text: why it has no effect, or what else to know
    """

    option: str
    text: str


class Misspelt(Notice):
    """A name that nothing reads and that looks like the name of an option."""


def notices(files: Sequence[str], options: Mapping[str, object], plan: Plan) -> list[Notice]:
    """
    :param files: of the config, as `linecache` knows them
    :param options: those that it sets
    :return: in this order: options without effect, defaults of RETURNN that the config relies on, phases whose batches
        differ from RETURNN's, and near misses
    """
    overrides = {key for phase in plan.phases for key in phase.config}
    without_effect = [
        Notice(option, known.reason)
        for option in [*options, *sorted(overrides - options.keys())]
        if (known := verdict(option)) and known.kind is Kind.WITHOUT_EFFECT
    ]
    late = {key for phase in plan.phases for key in phase.config if is_read_before(key, phase.config)}
    return [
        *without_effect,
        *(Notice(option, _LATE) for option in sorted(late - {notice.option for notice in without_effect})),
        *(Notice(option, "RETURNN does not read it, Boulder does") for option in options if option in BEYOND_RETURNN),
        *_defaults(options),
        *_of_frames(plan),
        *_near_misses(files, options),
    ]


def _defaults(options: Mapping[str, object]) -> Iterator[Notice]:
    if "batch_size" not in options:
        yield Notice("batch_size", f"not set; RETURNN's default is {DEFAULTS['batch_size']}: each sequence is a batch")
    if "learning_rate" not in options and "learning_rates" not in options:
        yield Notice("learning_rate", f"not set; RETURNN's default is {DEFAULTS['learning_rate']}")


def _of_frames(plan: Plan) -> Iterator[Notice]:
    if found := list(phases_of_frames(plan)):
        text = (
            f"{found[0]}{f' and {len(found) - 1} more' if found[1:] else ''}: no layer depends on the order of frames, so "
            "RETURNN concatenates sequences and cuts them at batch_size; batches are whole sequences here"
        )
        yield Notice("batch_size", text)


def _near_misses(files: Sequence[str], options: Mapping[str, object]) -> Iterator[Misspelt]:
    """Yields own variables of a config that nothing in the file reads and whose name nearly is that of an option."""
    own = [option for option in options if verdict(option) is None]
    read = {name for file in files for name in _names_read(file)} if own else set()
    for option in own:
        if option not in read and (meant := option_meant(option)):
            besides = f"; {meant!r} is set, too" if meant in options else f"; did you mean {meant!r}?"
            yield Misspelt(option, f"neither RETURNN nor Boulder reads it{besides}")


def _names_read(file: str) -> set[str]:
    """:return: names that the code of a Python config reads, and all texts in it, which may be names of options"""
    linecache.checkcache(file)
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # a config in another format
        return set()
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return names | texts
