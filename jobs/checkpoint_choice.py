"""`CheckpointChoice`: which checkpoint of a training a search uses, as a text of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError, nearest
from jobs.laid_out import Pipeline
from sisyphus import tk

_FORMS = {
    "last": "last",
    "best": "best(:SCORE)?",
    "average": "average:N",
    "average_best": "average_best:N(:SCORE)?",
}


@dataclass(frozen=True)
class CheckpointChoice:
    """
    :param kind: "last", "best", "average" of the last ones, "average_best" or "epoch"
    :param number: of checkpoints in an average, or of the epoch
    :param score: RETURNN's name of the score of the best ones; None: see `Pipeline.best`
    """

    kind: str
    number: int = 1
    score: str | None = None

    @classmethod
    def of(cls, text: str | int) -> CheckpointChoice | None:
        """
        :param text: "last", "best", "best:SCORE", "average:N", "average_best:N", "average_best:N:SCORE", or an epoch
        :return: None for the name of a file
        :raises ConfigError: for a text that is neither
        """
        if isinstance(text, int) and not isinstance(text, bool) and text > 0:
            return cls("epoch", text)
        kind, *rest = str(text).split(":")
        number = int(rest.pop(0)) if kind.startswith("average") and rest and re.fullmatch("[1-9][0-9]*", rest[0]) else 0
        scored = kind in ("best", "average_best")
        if kind in _FORMS and kind.startswith("average") == bool(number) and len(rest) <= scored:
            return cls(kind, number or 1, *rest)
        if kind in _FORMS or not re.search(r"[./]", str(text)):
            forms = ", ".join(form.replace("(", "[").replace(")?", "]") for form in _FORMS.values())
            raise ConfigError(
                f"checkpoint: found {text!r}, expected {forms}, the number of an epoch, or a file{nearest(kind, _FORMS)}"
            )
        return None

    @property
    def label(self) -> str:
        """A name for outputs; "" for the last checkpoint."""
        name = {"last": "", "epoch": f"epoch{self.number}", "best": "best"}.get(self.kind, f"{self.kind}{self.number}")
        return f"{name}.{self.score}" if self.score else name

    def keeping(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """
        :param arguments: of `lay_out`
        :return: the same, so that the training keeps the checkpoint, unless its config says what is kept
        """
        if self.kind == "epoch":
            return {**arguments, "keep_epochs": sorted({*(arguments.get("keep_epochs") or ()), self.number})}
        wanted = {"average": "keep_last_n", "best": "keep_best_n", "average_best": "keep_best_n"}.get(self.kind)
        if wanted is None or arguments["config"].get("cleanup_old_models") is not None:
            return dict(arguments)
        return {**arguments, "config": {**arguments["config"], "cleanup_old_models": {wanted: self.number}}}

    def in_training(self, training: Pipeline) -> tk.Path:
        """:raises ConfigError: if the training does not keep the checkpoint, or does not compute the score"""
        match self.kind:
            case "epoch":
                return training.checkpoint_of(self.number)
            case "best":
                return training.best(self.score)
            case "average":
                return training.average(last=self.number)
            case "average_best":
                return training.average(best=self.number, by=self.score)
        return training.checkpoint
