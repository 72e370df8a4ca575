"""TensorBoard files that cannot be written. TensorFlow is replaced, since it is slow to import."""

import types

import pytest

from boulder.errors import TrainingError
from boulder.training import scores


class OpError(Exception):
    message = "{{function_node __wrapped__CreateSummaryFileWriter}} /work/tb/events.out.1.v2; No space left on device"


def test_the_reason_is_told_without_the_name_of_the_operation(monkeypatch):
    def fails(*_):
        raise OpError

    monkeypatch.setattr(scores, "tf", types.SimpleNamespace(errors=types.SimpleNamespace(OpError=OpError)))
    monkeypatch.setattr(scores, "_write_tensorboard", fails)
    with pytest.raises(
        TrainingError, match=r"^TensorBoard files in /work/tb: cannot be written: No space left on device$"
    ):
        scores.write_tensorboard("/work/tb", {"epoch": 1})
