"""What a wrong input raises: one line that says where, what was found, what was expected and the nearest right name."""

from collections.abc import Iterable

from rapidfuzz import process


class BoulderError(Exception):
    """A mistake in the input, told in one line to the person who made it. The command line prints no traceback for it."""


class ConfigError(BoulderError):
    """An option of the config, or an override in `#config`, that the training does not know or cannot use."""


class ScheduleError(BoulderError):
    """A construction algo, or its `repetitions`, that gives no plan."""


class NetworkError(BoulderError):
    """A net dict that is no network: unknown class, option or source, a loop, dimensions that do not match."""


class DataError(BoulderError):
    """A data file that is missing, broken, or of another dimension than `extern_data` says."""


class CheckpointError(BoulderError):
    """A checkpoint that is missing, broken or of another format."""


class TrainingError(BoulderError):
    """Training cannot go on, e.g. the loss is not finite."""


def nearest(name: str, known: Iterable[str], label: str = "did you mean") -> str:
    """
    :param name: what the user wrote
    :param known: the right names
    :return: `; did you mean 'x'?` for the closest of `known`, or "" if none is close. To be put at the end of a message.
    """
    found = process.extractOne(str(name), sorted(map(str, known)), score_cutoff=60)
    return f"; {label} {found[0]!r}?" if found else ""
